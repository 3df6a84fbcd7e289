#!/bin/sh
# Builds stock gophernotes, of the version that go.mod names, with the packages
# of this module linked in: no plugin, no network. The result is DIR/gophernotes
# and a kernelspec, which Jupyter finds with JUPYTER_PATH=DIR/share/jupyter.
#
#   kernel/gophernotes/build.sh DIR
#
# gophernotes is a main package in the module cache, to which no file can be
# added; but its files can stand, by an overlay, in a folder of ours.
set -eu
dir=${1:?usage: build.sh DIR}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$dir/share/jupyter/kernels/gophernotes"
dir=$(cd "$dir" && pwd)
cd "$here"
go mod download github.com/gopherdata/gophernotes
theirs=$(go list -m -f '{{.Dir}}' github.com/gopherdata/gophernotes)
{
	echo '{"Replace": {'
	for file in "$theirs"/*.go; do
		case $file in *_test.go) continue ;; esac
		echo "  \"$here/$(basename "$file")\": \"$file\","
	done
	echo "  \"$here/none.go\": \"\"" # ends the list
	echo '}}'
} >"$dir/overlay.json"
go build -tags gophernotes -overlay "$dir/overlay.json" -o "$dir/gophernotes" .
sed "s|\"gophernotes\"|\"$dir/gophernotes\"|; s|\"display_name\": *\"[^\"]*\"|\"display_name\": \"Go (gophernotes)\"|; s|\"name\": *\"go\"|\"name\": \"gophernotes\"|" \
	"$theirs/kernel/kernel.json" >"$dir/share/jupyter/kernels/gophernotes/kernel.json"
