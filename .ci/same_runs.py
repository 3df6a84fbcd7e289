"""Asserts that files of runs, as sslnotes runs --json prints them, have the same
names with the same digests."""

import json
import sys

sets = []
for path in sys.argv[1:]:
    with open(path) as f:
        runs = json.load(f)
    for r in runs:
        assert r["status"] == "finished", f"{path}: {r['name']} is {r['status']}"
    sets.append({r["name"]: r["digest"] for r in runs})

assert sets[0], f"{sys.argv[1]} holds no runs"
for path, runs in zip(sys.argv[2:], sets[1:]):
    assert runs.keys() == sets[0].keys(), f"{path} holds {sorted(runs)}, {sys.argv[1]} {sorted(sets[0])}"
    for name, digest in runs.items():
        assert digest == sets[0][name], f"{path}: {name} has digest {digest}, in {sys.argv[1]} {sets[0][name]}"
print(f"{len(sets[0])} runs, equal in {len(sets)} stores")
