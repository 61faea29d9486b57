package billing_test

import (
	"fmt"
	"strings"
	"testing"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
)

func TestParseAttributes(t *testing.T) {
	t.Parallel()
	many := func(n, length int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`"a%03d":"%s"`, i, strings.Repeat("x", length)))
		}
		return "{" + strings.Join(list, ",") + "}"
	}
	for given, want := range map[string]string{
		"{}":                           "",
		`{"a":null,"b":""}`:            "",
		`{ "b" : 1e2 , "a":"\u00e4" }`: `{"a":"ä","b":1e2}`,
		`{"n":12345678901234567890,"t":true,"f":false,"d":-0.50}`: `{"d":-0.50,"f":false,"n":12345678901234567890,"t":true}`,
		`{"a \"b\"":"<x>\n"}`: `{"a \"b\"":"<x>\n"}`,
		many(500, 1):          many(500, 1),
		many(1, 500):          many(1, 500),
	} {
		got, err := billing.ParseAttributes(given)
		if err != nil || got != want {
			t.Errorf("%.60s: %.60s, %v", given, got, err)
		}
		if again, err := billing.ParseAttributes(got); got != "" && (err != nil || again != got) {
			t.Errorf("%.60s again: %.60s, %v", given, again, err)
		}
	}
	for given, code := range map[string]string{
		"":                                       billing.CodeBadAttributes,
		"segment=SMB":                            billing.CodeBadAttributes,
		"[1]":                                    billing.CodeBadAttributes,
		`{"a":"1"} x`:                            billing.CodeBadAttributes,
		`{"a":"1`:                                billing.CodeBadAttributes,
		`{"a":["1"]}`:                            billing.CodeBadAttributes,
		`{"a":{"b":"1"}}`:                        billing.CodeBadAttributes,
		`{"":"1"}`:                               billing.CodeBadAttributes,
		"{\"a\":\"\xff\"}":                       billing.CodeBadAttributes,
		`{"a\u0000":"1"}`:                        billing.CodeBadAttributes,
		`{"a":"1","a":"2"}`:                      billing.CodeDuplicateField,
		`{"a":"x\u0000"}`:                        billing.CodeTooLong,
		many(1, 501):                             billing.CodeTooLong,
		many(501, 1):                             billing.CodeTooLong,
		many(300, 400):                           billing.CodeTooLong,
		`{"` + strings.Repeat("x", 256) + `":1}`: billing.CodeBadAttributes,
	} {
		if got, err := billing.ParseAttributes(given); fault.CodeOf(err) != code || got != "" {
			t.Errorf("%.60s: %.60s, %v", given, got, err)
		}
	}
}

func TestTextAttributes(t *testing.T) {
	t.Parallel()
	text, left := billing.TextAttributes(map[string]string{"b": `2"`, "a": "1", "none": "", "long": strings.Repeat("x", 501), "": "nameless", "odd": "\xff"})
	if text != `{"a":"1","b":"2\""}` || left != 3 {
		t.Errorf("%s, %d left out", text, left)
	}
	if got := billing.ReadableAttributes(`{"Odd":"a\"","Seats":5}`); got != `Odd: a", Seats: 5` {
		t.Error(got)
	}
	if again, err := billing.ParseAttributes(text); again != text || err != nil {
		t.Errorf("%s, %v", again, err)
	}
}
