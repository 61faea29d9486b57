package braintree_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reseed/internal/braintreetest"
	"reseed/pkg/source/braintree"
)

// Whatever Braintree's own client reads in a document, ours reads, too.
func TestXMLAsTheClientReadsIt(t *testing.T) {
	t.Parallel()
	judge := braintreetest.StartJudge(t)
	for _, text := range []string{
		`<plans type="array"/>`,
		`<plans type="array"><plan><id>p&amp;1</id><name>Größe &lt;1&gt; &#228;</name><price>10.00</price></plan></plans>`,
		`<plans type="array"><plan><id>1</id></plan><plan><id>2</id></plan></plans>`,
		`<customers type="collection"><page-size type="integer">50</page-size><customer><id>1</id></customer></customers>`,
		`<customers type="collection"><customer><id>1</id></customer><customer><id>2</id></customer><customer><id>3</id></customer></customers>`,
		`<a><n nil="true"/><e></e><s/><t type="boolean">true</t><f type="boolean">false</f><i type="integer">-12</i><at type="datetime">2026-01-01T00:00:00Z</at><d type="date">2026-01-01</d></a>`,
		`<a><ids type="array"><item>x</item><item nil="true"/></ids><long-name-2><deep-name>1</deep-name></long-name-2><custom-fields><a_b>1</a_b></custom-fields></a>`,
		"<?xml version=\"1.0\"?>\n<!-- note --><a>\n  <b>\n    <c>1</c>\n  </b>\n</a>\n",
		`<a><c><![CDATA[<x>&]]></c></a>`,
	} {
		theirs, err := judge.Parse([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		name, value, err := braintree.Decode([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		ours, err := json.Marshal(map[string]any{name: value})
		if err != nil {
			t.Fatal(err)
		}
		var same map[string]any
		if err := json.Unmarshal(ours, &same); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(theirs, camel(same)); diff != "" {
			t.Errorf("%s: theirs and ours:\n%s", text, diff)
		}
	}
}

// camel names fields as the client for Node.js does.
func camel(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, field := range v {
			words := strings.Split(name, "_")
			for i, w := range words[1:] {
				words[i+1] = strings.ToUpper(w[:1]) + w[1:]
			}
			out[strings.Join(words, "")] = camel(field)
		}
		return out
	case []any:
		for i := range v {
			v[i] = camel(v[i])
		}
	}
	return v
}

func TestXMLThatIsNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "x", "{}", "<a>", "<a></b>", "<a/><b/>", "<a/>x", "</a>", `<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`,
		strings.Repeat("<a>", 1000) + strings.Repeat("</a>", 1000),
	} {
		if _, v, err := braintree.Decode([]byte(text)); err == nil {
			t.Errorf("%.40q: %v", text, v)
		}
	}
}

// What cards and bank accounts have is left out.
func TestXMLWithoutCards(t *testing.T) {
	t.Parallel()
	_, v, err := braintree.Decode([]byte(`<a><credit-card><token>k1</token><bin>424242</bin><last-4>4242</last-4><cardholder-name>Ann</cardholder-name></credit-card></a>`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"credit_card": map[string]any{"token": "k1"}}, v); diff != "" {
		t.Error(diff)
	}
}

// An integer that is larger than a float64 holds stays what it is; what is no integer stays a text.
func TestXMLNumbers(t *testing.T) {
	t.Parallel()
	_, v, err := braintree.Decode([]byte(`<a><n type="integer">9007199254740993</n><x type="integer">ann@example.com</x><z type="integer">007</z></a>`))
	text, _ := json.Marshal(v)
	if string(text) != `{"n":9007199254740993,"x":"ann@example.com","z":"007"}` || err != nil {
		t.Errorf("%s, %v", text, err)
	}
}

func FuzzXML(f *testing.F) {
	f.Add([]byte(`<a type="array"><b nil="true"/><c type="integer">1</c></a>`))
	f.Add([]byte(`<a type="collection"><b>1</b><b>2</b></a>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if _, v, err := braintree.Decode(body); err == nil {
			if _, err := json.Marshal(v); err != nil {
				t.Error(err)
			}
		}
	})
}
