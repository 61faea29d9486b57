package system_test

import (
	"encoding/json"
	"slices"
	"testing"

	"reseed/pkg/source/system"
)

type shape struct {
	ID       string            `json:"id"`
	Total    int64             `json:"total"`
	Metadata map[string]string `json:"metadata"`
	Lines    []struct {
		Price struct {
			Amount int64 `json:"amount"`
		} `json:"price"`
	} `json:"lines"`
}

// Decode takes what any system may write, and FieldOf names the field that is of another type, with no name that people gave.
func TestDecode(t *testing.T) {
	t.Parallel()
	for text, field := range map[string]string{
		`{"id":"a","other":[{"id":1}],"total":5}`:                  "",
		`{"ID":7,"id":"a","total":5,"total":5}`:                    "",
		"{\"id\":\"a\",\"total\":5,\"x\":\"\xff\",\"lines\":null}": "",
		`{"id":"a","total":"5"}`:                                   "total",
		`{"id":"a","total":5.5}`:                                   "total",
		`{"id":"a","total":92233720368547758070}`:                  "total",
		`{"id":"a","lines":[{},{"price":{"amount":"much"}}]}`:      "lines.price.amount",
		`{"id":"a","metadata":{"ann@example.com":1}}`:              "metadata",
	} {
		var s shape
		err := system.Decode([]byte(text), &s)
		if (err == nil) != (field == "") || system.FieldOf(err) != field {
			t.Errorf("%s: %v is about %q, want %q", text, err, system.FieldOf(err), field)
		}
		if err == nil && (s.ID != "a" || s.Total != 5) {
			t.Errorf("%s: %+v", text, s)
		}
		if old := json.Unmarshal([]byte(text), &s); field != "" && system.FieldOf(old) != field {
			t.Errorf("%s: encoding/json: %v is about %q, want %q", text, old, system.FieldOf(old), field)
		}
	}
	if system.Decode([]byte(`[]`), &shape{}) == nil || system.Decode([]byte(`{"id":"a"`), &shape{}) == nil || system.FieldOf(nil) != "" {
		t.Error("what is no object is taken")
	}
}

// Texts are those that Decode finds, or it says that it does not know.
func TestTexts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		`{"id":"a","other":[{"customer":"x"}],"customer":"c","rest":`: {"a", "c"}, // the rest is not read
		`{"customer":"c","id":"a"}`:                                   {"a", "c"},
		`{"customer":null,"id":""}`:                                   {"", ""},
		` { "customer" : null , "id" : "a" } `:                        nil,
		`{"id":"a\u0062"}`:                                            nil,
		`{"i\u0064":"a"}`:                                             nil,
		`{"id":"a","x":{"y":1}}`:                                      {"a", ""},
		`{}`:                                                          {"", ""},
		`{"id":"a","customer":{"id":"c"}}`:                            nil,
		`{"id":7,"customer":"c"}`:                                     nil,
		`{"id":"a","x":`:                                              nil,
		`{"id":"a"`:                                                   nil,
		`{"id":"a","x":[}`:                                            nil,
		`["id"]`:                                                      nil,
		`null`:                                                        nil,
		``:                                                            nil,
	} {
		got, ok := system.Texts([]byte(text), "id", "customer")
		if ok != (want != nil) || ok && !slices.Equal(got, want) {
			t.Errorf("%s: %q, %t", text, got, ok)
		}
	}
}
