package config

import (
	"math"
	"reflect"
	"strings"
	"testing"
)

type op interface{ apply() }

type crop struct{ MinArea float32 }
type flip struct{ P float32 }

func (crop) apply()  {}
func (*flip) apply() {}

type method struct {
	Temperature float32
	Name        string
	Seed        uint64
	Sizes       []int
	Chain       []op
	One         op
	hidden      int
	Call        func()
}

func types() Types {
	t := Types{}
	t.Add(crop{}, &flip{}, &method{})
	return t
}

func TestRoundTrip(t *testing.T) {
	in := &method{Temperature: 0.1, Name: "x", Seed: math.MaxUint64, Sizes: []int{1, 2},
		Chain: []op{crop{math.SmallestNonzeroFloat32}, &flip{1.0 / 3}}, One: crop{0.3}, hidden: 7}
	raw, err := Encode(in)
	if err != nil {
		t.Fatal(err)
	}
	out, err := types().New(raw)
	if err != nil {
		t.Fatal(err)
	}
	in.hidden = 0
	if !reflect.DeepEqual(in, out) {
		t.Errorf("%s read back as %+v, want %+v", raw, out, in)
	}
}

// A field that came later is recorded once it says something.
func TestOmitZero(t *testing.T) {
	type options struct {
		Rate float32
		Clip float32 `config:"omitzero"`
	}
	for in, want := range map[options]string{{}: `{"Rate":0,"type":"config.options"}`, {0, 2}: `{"Clip":2,"Rate":0,"type":"config.options"}`} {
		raw, err := Encode(in)
		if err != nil || string(raw) != want {
			t.Errorf("%+v is recorded as %s, %v, want %s", in, raw, err, want)
		}
		var out options
		if err := (Types{}).Decode(raw, &out); err != nil || out != in {
			t.Errorf("%s is read as %+v, %v", raw, out, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct{ raw, want string }{
		{`{"type":"config.method","Heat":1}`, "no field Heat"},
		{`{"type":"config.method","Temperature":"hot"}`, "method.Temperature"},
		{`{"type":"config.method","Sizes":3}`, "want a list"},
		{`{"type":"config.nothing"}`, "unknown type"},
		{`{"type":"config.method","One":{"type":"config.method"}}`, "is not a config.op"},
		{`{"type":"config.method","hidden":1}`, "no field hidden"},
	} {
		if _, err := types().New([]byte(c.raw)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that says %q", c.raw, err, c.want)
		}
	}
	if _, err := Encode(&method{Temperature: float32(math.NaN())}); err == nil || !strings.Contains(err.Error(), "Temperature") {
		t.Errorf("NaN field: error %v, want one that names Temperature", err)
	}
}

func TestSet(t *testing.T) {
	m := &method{One: crop{}}
	for _, c := range [][2]string{{"Temperature", "0.25"}, {"Name", "a b"}, {"Sizes", "[3,4]"}} {
		if err := types().Set(m, c[0], c[1]); err != nil {
			t.Errorf("%s=%s: %v", c[0], c[1], err)
		}
	}
	if m.Temperature != 0.25 || m.Name != "a b" || !reflect.DeepEqual(m.Sizes, []int{3, 4}) {
		t.Errorf("got %+v", m)
	}
	if err := types().Set(m, "Heat", "1"); err == nil || !strings.Contains(err.Error(), "have Temperature, Name") {
		t.Errorf("unknown field: %v", err)
	}
}
