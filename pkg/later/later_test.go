package later_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/later"
)

type house struct {
	Name  string          `json:"name"`
	Built time.Time       `json:"built,omitzero"`
	Raw   json.RawMessage `json:"raw,omitempty"`
	Door  *door           `json:"door,omitempty"`
	Rooms []room          `json:"rooms,omitempty"`
	Sums  map[string]room `json:"sums,omitempty"`
	Later later.Fields    `json:"-"`
}

type door struct {
	Width int          `json:"width"`
	Later later.Fields `json:"-"`
}

// room does not keep fields itself, but structs in it do.
type room struct {
	Size int    `json:"size"`
	Door door   `json:"door,omitzero"`
	Ways []door `json:"ways,omitempty"`
}

// stored is a house with a further field.
type stored struct {
	*house

	Garden string `json:"garden,omitempty"`
}

func read(t *testing.T, text string, v any) {
	t.Helper()
	if err := later.Unmarshal([]byte(text), v); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, v any) string {
	t.Helper()
	text, err := later.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Without unknown fields, reading and writing is the same as in encoding/json, byte for byte.
func TestWithoutLaterFields(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"name":""}`,
		`{"name":"\u003cA\u0026B\u003e","built":"2026-11-29T12:00:00Z","raw":{"b":1,"a":[2]},"door":{"width":1},"rooms":[{"size":1},{"size":2,"ways":[{"width":3}]}],"sums":{"x":{"size":4}}}`,
	} {
		var h, plain house
		read(t, text, &h)
		if err := json.Unmarshal([]byte(text), &plain); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(plain, h); diff != "" {
			t.Errorf("read %s: -want +got\n%s", text, diff)
		}
		if got := write(t, &h); got != text {
			t.Errorf("written\n%s, want\n%s", got, text)
		}
	}
}

// Later fields survive, byte for byte and wherever they stand, while known fields beside them
// change.
func TestLaterFieldsAreKept(t *testing.T) {
	t.Parallel()
	const text = `{"NAME":"A","z":{"n":1.50,"html":"\u003c<","list":[1,{"a":null}]},"garden":"G","door":{"width":1,"lock":"L"},` +
		`"rooms":[{"size":1,"lost":1,"door":{"width":2,"k":[3]}},{"size":2,"ways":[{"width":4},{"width":5,"k":"w"}]}],"sums":{"x":{"size":4,"lost":2}},"raw":{"any":1}}`
	s := stored{house: &house{}}
	read(t, text, &s)
	if s.Name != "A" || s.Garden != "G" || s.Door.Width != 1 || s.Rooms[1].Ways[1].Width != 5 {
		t.Fatalf("read %+v", s)
	}
	s.Name, s.Door.Width = "B", 9
	s.Rooms = append([]room{{Size: 7}}, s.Rooms...) // kept fields move with their element
	const want = `{"door":{"lock":"L","width":9},"garden":"G","name":"B","raw":{"any":1},` +
		`"rooms":[{"size":7},{"door":{"k":[3],"width":2},"size":1},{"size":2,"ways":[{"width":4},{"k":"w","width":5}]}],` +
		`"sums":{"x":{"size":4}},"z":{"n":1.50,"html":"\u003c<","list":[1,{"a":null}]}}`
	got := write(t, s)
	if got != want {
		t.Fatalf("written\n%s, want\n%s", got, want)
	}
	again := stored{house: &house{}}
	read(t, got, &again)
	if twice := write(t, again); twice != got {
		t.Errorf("written again\n%s, want\n%s", twice, got)
	}
	again.Door, again.Later = nil, nil
	read(t, write(t, again), &again)
	if again.Later != nil {
		t.Errorf("what was taken away came back: %v", again.Later)
	}
}

// Texts that encoding/json refuses are refused, and null is no object.
func TestTextsThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{``, `{`, `[]`, `"x"`, `{"name":1}`, `{"name":"A"} x`, `{"x":1} {}`, `{"x":1,"rooms":{}}`, `{"x":1,"door":7}`} {
		var h house
		if err := later.Unmarshal([]byte(text), &h); err == nil {
			t.Errorf("%s is taken for %+v", text, h)
		}
	}
	var h house
	read(t, `{"x":1,"door":null,"rooms":null}`, &h)
	if got := write(t, h); got != `{"name":"","x":1}` {
		t.Errorf("nulls are written as %s", got)
	}
}

// Unmarshal reads all JSON that encoding/json reads, and no other. What Marshal writes reads the
// same again.
func FuzzUnmarshal(f *testing.F) {
	for _, seed := range []string{`{"name":"A","x":1}`, `{"door":{"y":2},"rooms":[{"door":{"z":3}}]}`, `{"Name":"a","nAme":"b","Later":1,"-":2}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var h, plain house
		if want, got := json.Unmarshal([]byte(text), &plain), later.Unmarshal([]byte(text), &h); (want == nil) != (got == nil) {
			t.Fatalf("%q: %v, encoding/json says %v", text, got, want)
		} else if want != nil {
			return
		}
		written := write(t, &h)
		var again house
		read(t, written, &again)
		if twice := write(t, &again); twice != written {
			t.Fatalf("%q: written %s, then %s", text, written, twice)
		}
	})
}
