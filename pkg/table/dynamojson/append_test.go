package dynamojson_test

import (
	"encoding/json"
	"strings"
	"testing"

	"reseed/pkg/table"
	"reseed/pkg/table/dynamojson"
)

func TestAppendItem(t *testing.T) {
	t.Parallel()
	it := table.Item{
		Key: table.Key{PK: "0001f.c1#04", SK: `c#"\`},
		Attrs: table.NewBuilder().Bool("b", true).Bytes("h", []byte{0, 0xff, 1, 2}).Int("i", -5).
			Raw("f", table.BoolValue(false)).IntAlways("z", 0).Raw("e", table.ListValue(nil)).
			List("l", []string{"", "b\n"}).Str("s", "Zoë \u2028 😀").Raw("", table.Value{Type: table.String}).Attrs(),
	}
	want := `{"pk":{"S":"0001f.c1#04"},"sk":{"S":"c#\"\\"},"":{"S":""},"b":{"BOOL":true},"e":{"L":[]},"f":{"BOOL":false},` +
		`"h":{"B":"AP8BAg=="},"i":{"N":"-5"},"l":{"L":[{"S":""},{"S":"b\n"}]},"s":{"S":"Zoë \u2028 😀"},"z":{"N":"0"}}`
	if got := string(dynamojson.AppendItem(nil, it)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := string(dynamojson.AppendItem([]byte("before "), table.Item{Key: it.Key})); got != `before {"pk":{"S":"0001f.c1#04"},"sk":{"S":"c#\"\\"}}` {
		t.Errorf("without attributes: %s", got)
	}
	if got := string(dynamojson.AppendKey(nil, it.Key)); got != `{"pk":{"S":"0001f.c1#04"},"sk":{"S":"c#\"\\"}}` {
		t.Errorf("the key: %s", got)
	}
}

// Texts are written as encoding/json writes them, wherever in the text a byte is.
func FuzzAppendString(f *testing.F) {
	for _, s := range []string{
		"", "plain", "exactly8", "more than eight", `"`, `\`, "\x00\x1f\x7f", "\b\f\n\r\t", "é", "12345678é", "\u2028\u2029",
		"\xff", "ab\xc3", "\xed\xa0\x80", "\ufffd", "😀", "<&>", "1234567\"", "12345678\\9", "\x80\x80\x80\x80\x80\x80\x80\x80",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := dynamojson.AppendString([]byte("x"), s)
		if other := dynamojson.AppendString([]byte("x"), []byte(s)); string(other) != string(got) {
			t.Fatalf("%q as bytes is %q", got, other)
		}
		var want strings.Builder
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		if err := e.Encode(strings.ToValidUTF8(s, "")); err != nil {
			t.Fatal(err)
		}
		var back, expected string
		if err := json.Unmarshal(got[1:], &back); err != nil {
			t.Fatalf("%q: %v", got, err)
		}
		if expected = string([]rune(s)); back != expected {
			t.Errorf("%q comes back as %q, want %q", got, back, expected)
		}
		if strings.ToValidUTF8(s, "") == s && !strings.Contains(s, "\ufffd") && string(got[1:])+"\n" != want.String() {
			t.Errorf("got %q, encoding/json has %q", got[1:], want.String())
		}
	})
}
