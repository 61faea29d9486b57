package dynamojson_test

import (
	"strings"
	"testing"

	"reseed/pkg/fault"
	"reseed/pkg/table"
	"reseed/pkg/table/dynamojson"
)

func TestItem(t *testing.T) {
	t.Parallel()
	want := table.Item{Key: table.Key{PK: "p", SK: "s"}, Attrs: table.NewBuilder().Str("a", "é😀\ufffdA").Int("b", -7).Attrs()}
	for name, text := range map[string]string{
		"plain":      `{"pk":{"S":"p"},"sk":{"S":"s"},"a":{"S":"é😀�A"},"b":{"N":"-7"}}`,
		"any order":  `{"b":{"N":"-7"},"sk":{"S":"s"},"a":{"S":"é😀�A"},"pk":{"S":"p"}}`,
		"white":      " {\n\t\"b\" : { \"N\" : \"-7\" } ,\r\"sk\":{\"S\":\"s\"}, \"a\":{\"S\":\"é😀�A\"},\"pk\":{\"S\":\"p\"} }",
		"escaped":    `{"\u0070k":{"S":"\u0070"},"sk":{"\u0053":"s"},"a":{"S":"\u00e9\ud83d\uDE00\ud800\u0041"},"b":{"N":"\u002d7"}}`,
		"and others": `{"pk":{"S":"p"},"sk":{"S":"s"},"a":{"S":"é😀�A"},"b":{"N":"-7"}},{"pk"`,
	} {
		got, err := dynamojson.NewDecoder([]byte(text)).Item()
		if err != nil || got.Key != want.Key || string(got.Attrs) != string(want.Attrs) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// An item shares no memory with the input, nor with the item read before it.
func TestItemsAreTheirOwn(t *testing.T) {
	t.Parallel()
	text := []byte(`[{"pk":{"S":"p"},"sk":{"S":"s"},"a":{"S":"x"},"n":{"N":"1"},"h":{"B":"AAE="}},` +
		`{"pk":{"S":"q"},"sk":{"S":"t"},"a":{"S":"y"},"n":{"N":"2"},"h":{"B":"AgM="}}]`)
	items, err := read(`{"Items":` + string(text) + `}`)
	if err != nil || len(items) != 2 {
		t.Fatal(items, err)
	}
	d := dynamojson.NewDecoder(text)
	var again []table.Item
	if err := d.Array(func() error {
		it, err := d.Item()
		again = append(again, it)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	clear(text)
	for i := range items {
		if again[i].Key != items[i].Key || string(again[i].Attrs) != string(items[i].Attrs) {
			t.Errorf("item %d has become %v", i, again[i])
		}
	}
	if items[0].PK != "p" || items[1].PK != "q" || items[0].Attrs.Str("h") != "\x00\x01" || items[1].Attrs.Str("h") != "\x02\x03" {
		t.Errorf("items %v", items)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	const secret = "ada@example.com"
	for name, c := range map[string]struct{ attrs, code string }{
		"a fraction":           {`"a":{"N":"1.5"}`, "store_foreign"},
		"too large a number":   {`"a":{"N":"9223372036854775808"}`, "store_foreign"},
		"NULL":                 {`"a":{"NULL":true}`, "store_foreign"},
		"a map":                {`"a":{"M":{"x":{"S":"` + secret + `"}}}`, "store_foreign"},
		"a set":                {`"a":{"SS":["` + secret + `"]}`, "store_foreign"},
		"a list of numbers":    {`"a":{"L":[{"N":"1"}]}`, "store_foreign"},
		"a number as key":      {`"pk":{"N":"1"}`, "store_foreign"},
		"no union":             {`"a":"` + secret + `"`, "store_engine"},
		"an empty union":       {`"a":{}`, "store_engine"},
		"two values":           {`"a":{"S":"x","N":"1"}`, "store_engine"},
		"a name twice":         {`"a":{"S":"x"},"b":{"S":"x"},"a":{"S":"x"}`, "store_engine"},
		"a number for a text":  {`"a":{"S":1}`, "store_engine"},
		"a text for a truth":   {`"a":{"BOOL":"true"}`, "store_engine"},
		"no list":              {`"a":{"L":{}}`, "store_engine"},
		"bad base64":           {`"a":{"B":"*"}`, "store_engine"},
		"a control character":  {"\"a\":{\"S\":\"" + secret + "\n\"}", "store_engine"},
		"one after an escape":  {"\"a\":{\"S\":\"\\n\n\"}", "store_engine"},
		"no UTF-8":             {"\"a\":{\"S\":\"" + secret + "\xff\"}", "store_engine"},
		"nor after an escape":  {"\"a\":{\"S\":\"\\b\xff\"}", "store_engine"},
		"nor before one":       {"\"a\":{\"S\":\"\xff\\b\"}", "store_engine"},
		"a name of no UTF-8":   {"\"\xff\":{\"S\":\"x\"}", "store_engine"},
		"an unknown escape":    {`"a":{"S":"\x"}`, "store_engine"},
		"half an escape":       {`"a":{"S":"\u00e`, "store_engine"},
		"no hex":               {`"a":{"S":"\u00eg"}`, "store_engine"},
		"cut in a text":        {`"a":{"S":"` + secret, "store_engine"},
		"cut after a back":     {`"a":{"S":"\`, "store_engine"},
		"cut in an escape":     {`"a":{"S":"\n`, "store_engine"},
		"cut behind a comma":   {`"a":{"S":"x"},`, "store_engine"},
		"a colon is missing":   {`"a"{"S":"x"}`, "store_engine"},
		"a comma is missing":   {`"a":{"S":"x"} "b":{"S":"x"}`, "store_engine"},
		"a name is missing":    {`:{"S":"x"}`, "store_engine"},
		"a comma is too many":  {`"a":{"L":[{"S":"x"},]}`, "store_engine"},
		"the bracket is wrong": {`"a":{"L":[{"S":"x"}}}`, "store_engine"},
	} {
		_, err := dynamojson.NewDecoder([]byte(`{"pk":{"S":"p"},"sk":{"S":"s"},` + c.attrs + `}`)).Item()
		if fault.CodeOf(err) != c.code || err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	for _, text := range []string{`{"sk":{"S":"s"}}`, `{"pk":{"S":"p"}}`, `{}`} {
		d := dynamojson.NewDecoder([]byte(text))
		if _, err := d.Key(); fault.CodeOf(err) != "store_foreign" {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{``, ` `, `[`, `null`, `"pk"`} {
		if _, err := dynamojson.NewDecoder([]byte(text)).Item(); fault.CodeOf(err) != "store_engine" {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestKeyPassesOverTheRest(t *testing.T) {
	t.Parallel()
	d := dynamojson.NewDecoder([]byte(`{"a":{"M":{"b":[1,{"c":"}\"]"},null,true]}},"pk":{"S":"p"},"n":{"N":"1.5"},"sk":{"S":"s"}}`))
	if key, err := d.Key(); err != nil || key != (table.Key{PK: "p", SK: "s"}) {
		t.Errorf("%v, %v", key, err)
	}
}

func TestSkip(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`1`, `-1.5e+3`, `true`, `null`, `""`, `"a]}\"\\"`, `[]`, `{}`, `[[],{"a":[1,2,"]"]},"x"]`, ` { "a" : [ 1 , null ] } `,
	} {
		d, after := dynamojson.NewDecoder([]byte(`[`+text+`,7]`)), 0.0
		first := true
		err := d.Array(func() (err error) {
			if first {
				first = false
				return d.Skip()
			}
			after, err = d.Float()
			return err
		})
		if err != nil || after != 7 {
			t.Errorf("%s: then %v, %v", text, after, err)
		}
	}
	for _, text := range []string{``, `[`, `{"a":[`, `"x`, `]`, `,`, `:1`} {
		if err := dynamojson.NewDecoder([]byte(text)).Skip(); fault.CodeOf(err) != "store_engine" {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestFloat(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{`2.5`: 2.5, ` 1e2 `: 100, `-0`: 0, `3,`: 3} {
		if got, err := dynamojson.NewDecoder([]byte(text)).Float(); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{``, `"1"`, `null`, `Inf`, `NaN`, `0x1p-2`, `1e999`, `01`, `{}`} {
		if got, err := dynamojson.NewDecoder([]byte(text)).Float(); fault.CodeOf(err) != "store_engine" {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}

func TestNulls(t *testing.T) {
	t.Parallel()
	d := dynamojson.NewDecoder([]byte(`{"a":null,"b":{},"c":{"d":null},"e":1}`))
	var seen []string
	err := d.Object(func(name []byte) error {
		seen = append(seen, string(name))
		if string(name) == "c" {
			return d.Object(func([]byte) error { t.Error("a null was told"); return d.Skip() })
		}
		return d.Skip()
	})
	if got := strings.Join(seen, " "); err != nil || got != "b c e" {
		t.Errorf("%s, %v", got, err)
	}
	if err := dynamojson.NewDecoder([]byte(`null`)).Object(func([]byte) error { t.Error("no member"); return nil }); err != nil {
		t.Error(err)
	}
}
