package system_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"reseed/pkg/source/system"
)

// crate is a shape with all that shapes have.
type crate struct {
	ID    string            `json:"id"`
	Lid   *lid              `json:"lid"`
	Jars  []jar             `json:"jars"`
	Marks map[string]string `json:"marks"`
	Raw   json.RawMessage   `json:"raw"`
	At    system.Moment     `json:"at"`
	Price system.Decimal    `json:"price"`
	Owner named             `json:"owner"`
}

type lid struct {
	Color string `json:"color,omitempty"`
}

type jar struct {
	Size int `json:"size"`
	Lid  lid `json:"lid"`
}

// named is a type that decodes itself.
type named string

func (named) Fields() system.Fields { return system.Fields{"id": nil} }

func (n *named) UnmarshalJSON(b []byte) error {
	*n = named(b)
	return nil
}

func TestFieldsOf(t *testing.T) {
	t.Parallel()
	got := system.FieldsOf[crate]()
	want := system.Fields{
		"id": nil, "lid": {"color": nil}, "jars": {"size": nil, "lid": {"color": nil}}, "marks": nil, "raw": nil, "at": nil, "price": nil, "owner": {"id": nil},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if s := got.String(); s != "{at*,id*,jars{lid{color*},size*},lid{color*},marks*,owner{id*},price*,raw*}" {
		t.Errorf("%s", s)
	}
}

func TestPick(t *testing.T) {
	t.Parallel()
	f := system.FieldsOf[crate]()
	for object, want := range map[string]string{
		`{}`:                              `{}`,
		`{"a":1}`:                         `{}`,
		`{"a":1,"id":"x","b":[{"id":1}]}`: `{"id":"x"}`,
		`{"id":"x","lid":null,"jars":[{"size":1,"b":{}},{"b":1},7],"jars":[]}`: `{"id":"x","lid":null,"jars":[{"size":1},{},7],"jars":[]}`,
		`{"lid":{"a":"}\\\"","color":"\\"},"b":"\\\\","raw":{"a":[1]}}`:        `{"lid":{"color":"\\"},"raw":{"a":[1]}}`,
		`{"owner":"x","price":-1.5e3,"b":-1.5e3,"c":false}`:                    `{"owner":"x","price":-1.5e3}`,
		`{"owner":{"id":1,"a":"\""},"lid":7,"at":{"id":1}}`:                    `{"owner":{"id":1},"lid":7,"at":{"id":1}}`,
		`[{"id":1,"a":2},[{"a":1}]]`:                                           `[{"id":1},[{}]]`,
		`"text"`:                                                               `"text"`,
		`{"id": 1 }`:                                                           `{"id": 1 }`,
		`{"id" :1}`:                                                            "",
		`{"id":}`:                                                              "",
		`{"a":}`:                                                               "",
		`{ }`:                                                                  "",
		`{"i\u0064":1}`:                                                        "",
		`{"id":1`:                                                              "",
		`{"id":1,`:                                                             "",
		`{"id"`:                                                                "",
		`{"id":`:                                                               "",
		`{"id`:                                                                 "",
		`{"a":[{}`:                                                             "",
		`{"a":["\"`:                                                            "",
		`{"id":1}{}`:                                                           "",
		`[1`:                                                                   "",
		`[1,`:                                                                  "",
		`[{} {}]`:                                                              "",
		``:                                                                     "",
	} {
		out, ok := f.Pick([]byte("before "), []byte(object))
		if ok != (want != "") || string(out) != "before "+want {
			t.Errorf("%s: %s, %v", object, out, ok)
		}
	}
	if out, ok := system.Fields(nil).Pick(nil, []byte(`{"a":[1]}`)); !ok || string(out) != `{"a":[1]}` {
		t.Errorf("%s, %v", out, ok)
	}
}

// What was picked of an object decodes as the whole one does.
func TestPickedDecodes(t *testing.T) {
	t.Parallel()
	names := rapid.SampledFrom([]string{"id", "lid", "jars", "color", "size", "owner", "marks", "at", "x", `"\`, "é"})
	scalar := rapid.OneOf(
		rapid.Custom(func(t *rapid.T) any { return rapid.StringOf(rapid.SampledFrom([]rune(`a"\{}[],:é`))).Draw(t, "text") }),
		rapid.Custom(func(t *rapid.T) any { return rapid.Float64().Draw(t, "number") }), rapid.Just[any](nil), rapid.Just[any](true),
	)
	value := rapid.Deferred(func() *rapid.Generator[any] { return scalar })
	for range 3 {
		inside := value
		value = rapid.OneOf(
			scalar,
			rapid.Custom(func(t *rapid.T) any { return rapid.MapOfN(names, inside, 0, 5).Draw(t, "object") }),
			rapid.Custom(func(t *rapid.T) any { return rapid.SliceOfN(inside, 0, 3).Draw(t, "list") }),
		)
	}
	f := system.FieldsOf[crate]()
	rapid.Check(t, func(t *rapid.T) {
		whole, _ := json.Marshal(value.Draw(t, "value"))
		picked, ok := f.Pick(nil, whole)
		if !ok {
			picked = whole
		}
		var want, got crate
		wrong, err := system.Decode(whole, &want), system.Decode(picked, &got)
		if (err == nil) != (wrong == nil) || system.FieldOf(err) != system.FieldOf(wrong) || err == nil && !reflect.DeepEqual(hide(want), hide(got)) {
			t.Fatalf("%s\npicked %s (%v):\n%+v, %v\nnot %+v, %v", whole, picked, ok, got, err, want, wrong)
		}
	})
}

// hide leaves out what shows whether fields of an object were picked.
func hide(c crate) crate {
	if len(c.Owner) > 0 && c.Owner[0] != '"' {
		c.Owner = ""
	}
	return c
}
