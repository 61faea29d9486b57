package api_test

import (
	"fmt"
	"testing"
)

// TestMailIsUpToTheRequest makes jobs in every way that a request can, with and without messages: the
// outbox has a message of each job whose request has not refused it.
func TestMailIsUpToTheRequest(t *testing.T) {
	t.Parallel()
	b := newBed(t, loadOpenAPI(t))
	no := part{"mail", "", "false"}
	want := map[string]bool{}
	told := func(id string) string { want[id] = true; return id }
	told(b.done("done", file("a.csv", february)))
	b.done("done", no, file("a.csv", february))
	told(b.done("done", part{"mail", "", "true"}, file("a.csv", february)))
	last := told(b.done("done", file("march.csv", march)))
	b.done("planned", no, part{"plan", "", "true"}, file("a.csv", february))
	b.status(422, "POST", "/v1/imports/"+last+"/undo", `{"mail":"maybe"}`)
	undo := text(t, b.must(202, "POST", "/v1/imports/"+last+"/undo", `{"mail":false}`), "id")
	b.work()
	b.is(undo, "done")
	redo := told(text(t, b.must(202, "POST", "/v1/imports/"+undo+"/undo", `{}`), "id"))
	b.work()
	b.is(redo, "done")
	erase := func(more string) string {
		body := fmt.Sprintf(`{"selection":"content","source":%q,"grace":"72h"%s}`, b.source, more)
		return text(t, b.must(202, "POST", "/v1/erasures", body), "id")
	}
	b.must(200, "POST", "/v1/erasures/"+told(erase(""))+"/restore", "")
	quiet := erase("")
	b.status(422, "POST", "/v1/erasures/"+quiet+"/restore", `{"mial":false}`)
	b.must(200, "POST", "/v1/erasures/"+quiet+"/restore", `{"mail":false}`)
	b.must(200, "POST", "/v1/erasures/"+erase(`,"mail":false`)+"/restore", "")
	list, err := b.ledger.Outbox(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		if !want[m.Job] {
			t.Errorf("people are told of job %s, whose request wants no message", m.Job)
		}
		delete(want, m.Job)
	}
	if len(want) > 0 {
		t.Errorf("people are not told of %v", want)
	}
	j := b.is(undo, "done")
	if j["quiet"] != true || j["messages"] != nil {
		t.Errorf("%v", j)
	}
	if j := b.is(redo, "done"); fmt.Sprint(j["messages"]) != "[map[about:ended ways:map[]]]" {
		t.Errorf("%v", j["messages"])
	}
}
