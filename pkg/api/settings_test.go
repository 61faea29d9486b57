package api_test

import (
	"encoding/json"
	"fmt"
	"strings"

	"reseed/pkg/httpapi"
	"reseed/pkg/table"
)

const settingsOfFirst = "/v1/data_sources/%s/settings"

// kept is what the source keeps, as JSON.
func (b *bed) kept() string {
	b.t.Helper()
	return b.do("GET", fmt.Sprintf(settingsOfFirst, b.source), "").body
}

func settingsRoutes(b *bed) {
	t := b.t
	at := fmt.Sprintf(settingsOfFirst, b.source)
	b.must(200, "GET", at, "")
	for _, step := range []struct{ change, want string }{
		{`{"dataset":"invoices"}`, `[]`},
		{`{"dataset":"invoices","decimal":"comma","skip_lines":3}`, `[{"dataset":"invoices","skip_lines":3,"decimal":"comma"}]`},
		{
			`{"dataset":"customers","encoding":"windows-1252","map":["Nr=External ID","=EUR=Currency"]}`,
			`[{"dataset":"customers","encoding":"windows-1252","map":["Nr=External ID","=EUR=Currency"]},{"dataset":"invoices","skip_lines":3,"decimal":"comma"}]`,
		},
		{
			`{"dataset":"customers","map":[],"delimiter":"tab","ids":"verbatim"}`,
			`[{"dataset":"customers","encoding":"windows-1252","delimiter":"tab","ids":"verbatim"},{"dataset":"invoices","skip_lines":3,"decimal":"comma"}]`,
		},
		{`{"dataset":"customers","encoding":null,"delimiter":"","ids":null}`, `[{"dataset":"invoices","skip_lines":3,"decimal":"comma"}]`},
		{
			`{"dataset":"invoices","decimal":null,"skip_lines":0,"amounts":"units","date_format":"DD.MM.YYYY"}`,
			`[{"dataset":"invoices","date_format":"DD.MM.YYYY","amounts":"units"}]`,
		},
	} {
		want := `{"settings":` + step.want + `}`
		b.must(200, "PATCH", at, step.change)
		if got := strings.TrimSpace(b.kept()); got != want {
			t.Errorf("after %s:\n%s\nwant\n%s", step.change, got, want)
		}
	}
	was := b.kept()
	for _, wrong := range wrongSettings() {
		b.status(422, "PATCH", at, `{"dataset":"customers",`+wrong+`}`)
	}
	b.status(422, "PATCH", at, `{"encoding":"windows-1252"}`)
	b.status(422, "PATCH", at, `{"dataset":"things","encoding":"windows-1252"}`)
	b.status(400, "PATCH", at, `[]`)
	b.status(413, "PATCH", at, `{"dataset":"`+strings.Repeat("x", httpapi.MaxBody)+`"}`)
	if got := b.kept(); got != was {
		t.Errorf("refused changes changed %s into %s", was, got)
	}
	b.status(405, "DELETE", at, "")
	for _, method := range []string{"GET", "PATCH"} {
		b.status(404, method, fmt.Sprintf(settingsOfFirst, "ds_fef05d54-47b4-431b-aed2-eb6b9e545430"), `{"dataset":"customers"}`)
	}
}

// wrongSettings are members that are refused.
func wrongSettings() []string {
	return []string{
		`"encoding":"windows-1"`, `"encoding":"replacement"`, `"encoding":7`, `"delimiter":"ab"`, `"delimiter":"x"`, `"delimiter":"\""`, `"skip_lines":-1`,
		`"skip_lines":1001`, `"skip_lines":"many"`, `"map":"a=b"`, `"map":["External ID"]`, `"map":["=External ID"]`, `"map":["Nr="]`, `"map":["Nr=Shoe size"]`, `"date_format":"DD"`,
		`"map":["` + strings.Repeat(`a=b","`, 100) + `a=b"]`, `"amounts":"pounds"`, `"decimal":"colon"`, `"ids":"all"`, `"encodings":"utf-8"`,
	}
}

// settingsInOrders: the same settings are taken in a form and in JSON, and wrong ones are refused
// before a file is stored.
func settingsInOrders(b *bed) {
	t := b.t
	options := []part{{"decimal", "", "comma"}, {"ids", "", "verbatim"}}
	id := b.id(b.imported(append(options, file("a.csv", february))...))
	b.work()
	in, _ := json.Marshal(b.is(id, "done"))
	for _, want := range []string{`"settings":{"decimal":"comma","ids":"verbatim"}`, `a.csv: read with --decimal comma --ids verbatim`} {
		if !strings.Contains(string(in), want) {
			t.Errorf("there is no %s in %s", want, in)
		}
	}
	jobs := len(entries(t, b.must(200, "GET", "/v1/imports", ""), "jobs"))
	for _, wrong := range wrongSettings() {
		if ans := b.ordered(`{"objects":["uploads/x.csv"],` + wrong + `}`); ans.status != 422 {
			t.Errorf("%s: %d %s", wrong, ans.status, ans.body)
		}
	}
	for name, value := range map[string]string{"encoding": "windows-1", "map": "x", "decimal": "colon", "skip_lines": "-1", "remember": "perhaps", "delimiter": strings.Repeat(";", 2000)} {
		if ans := b.imported(part{name, "", value}, file("a.csv", february)); ans.status != 422 || !strings.Contains(ans.body, name) {
			t.Errorf("%s: %d %s", name, ans.status, ans.body)
		}
	}
	if now := len(entries(t, b.must(200, "GET", "/v1/imports", ""), "jobs")); now != jobs {
		t.Errorf("%d imports were made", now-jobs)
	}
}

// settingsRemembered: what an import was asked to remember is kept for its datasets once it is done,
// used by the next ones, and goes with the source.
func settingsRemembered(b *bed) {
	t := b.t
	decimal, remember := part{"decimal", "", "comma"}, part{"remember", "", "true"}
	b.done("done", decimal, file("a.csv", february))
	if got := b.kept(); strings.Contains(got, "decimal") {
		t.Errorf("nobody asked for that: %s", got)
	}
	plan := b.id(b.imported(part{"plan", "", "true"}, decimal, remember, file("b.csv", march)))
	b.work()
	if got := b.kept(); strings.Contains(got, "decimal") {
		t.Errorf("after a plan: %s", got)
	}
	b.must(202, "POST", "/v1/imports/"+plan+"/apply", "")
	b.work()
	if got := b.kept(); !strings.Contains(got, `[{"dataset":"customers","decimal":"comma"}]`) {
		t.Errorf("after the plan was applied: %s", got)
	}
	next := b.done("done", file("c.csv", february))
	if in, _ := json.Marshal(b.is(next, "done")); !strings.Contains(string(in), `c.csv: read with --decimal comma, which the data source keeps for customers`) {
		t.Errorf("the next import: %s", in)
	}
	b.must(202, "POST", "/v1/erasures", `{"selection":"content","id":"`+b.source+`"}`)
	b.work()
	if got := b.kept(); !strings.Contains(got, "decimal") {
		t.Errorf("after the source was emptied: %s", got)
	}
	b.must(202, "POST", "/v1/erasures", `{"selection":"source","id":"`+b.source+`"}`)
	b.work()
	if items := b.itemsOf("account.readings"); items != 0 {
		t.Errorf("%d items are left of an erased source", items)
	}
}

// itemsOf counts the items of a partition.
func (b *bed) itemsOf(pk string) (n int) {
	b.t.Helper()
	for _, err := range b.store.Items(b.t.Context(), table.Query{PK: pk}) {
		if err != nil {
			b.t.Fatal(err)
		}
		n++
	}
	return n
}
