package lambdatest_test

import (
	"strings"
	"testing"

	"reseed/internal/lambdatest"
	"reseed/internal/mailtest"
	"reseed/pkg/job"
)

// An upload is told of by one mail, however often the schedule and the events are doubled.
func TestAnImportIsToldOfOnce(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	event := b.Put(t, "uploads/Company/plans.csv", sample(t, b, "plans"))
	for range 2 {
		b.Invoke(t, "ingest-csv", event)
	}
	tick := func() {
		for range 2 {
			for _, e := range b.Template.Events(t) {
				if e.Function == "notify" {
					b.Invoke(t, "notify", e.Body)
				}
			}
		}
	}
	tick()
	if n := len(b.Mails()); n != 0 {
		t.Fatalf("%d mails before the import has ended", n)
	}
	b.Work(t)
	tick()
	ended(t, b, 1)
	m, j := onlyMail(t, b), jobs(t, b)[0]
	if !strings.HasPrefix(m.Header.Get("Subject"), "Import into Company: done") || !strings.Contains(m.Text, "reseed undo "+j.ID) || m.Header.Get("To") != "<ann@acme.example>" {
		t.Errorf("%v\n%s", m.Header, m.Text)
	}
	if ways := j.Told[0].Ways; ways["mail"].Result != job.Sent || ways["webhook"].Result != job.Unset {
		t.Errorf("%+v", j.Told)
	}
	status, said := b.Call(t, "GET", "/v1/jobs/"+j.ID, "", nil)
	if status != 200 || !strings.Contains(said, `"messages":[{"about":"ended","ways":{"mail":{"tries":1,"result":"sent"`) {
		t.Errorf("%d %s", status, said)
	}
}

func onlyMail(t *testing.T, b *lambdatest.Bed) mailtest.Mail {
	t.Helper()
	mails := b.Mails()
	if len(mails) != 1 {
		t.Fatalf("%d mails", len(mails))
	}
	m, err := mailtest.Parse(mails[0])
	if err != nil {
		t.Fatal(err)
	}
	return m
}
