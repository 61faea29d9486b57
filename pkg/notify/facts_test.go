package notify_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/config"
	"reseed/pkg/eraser"
	"reseed/pkg/job"
	"reseed/pkg/notify"
	"reseed/pkg/source/sheets"
)

// full is an import with everything that may hold values of records.
func full(j *job.Job) {
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	j.StartedAt, j.EndedAt = at.Add(-2*time.Minute), at
	j.Import.Files = []job.File{{Name: "ann@acme.example.csv"}, {Name: "Mueller.csv"}}
	j.Datasets = map[string]job.Counts{
		"invoices": {Read: 3, Added: 3}, "customers": {Read: 12, Added: 8, Changed: 2, Unchanged: 1, Rejected: 1}, "ann@acme.example": {Read: 1, Rejected: 1},
	}
	j.Totals = job.Totals{{Dataset: "line_items", Currency: "EUR", Read: 125000, Added: 125000}, {Dataset: "transactions", Of: "payments", Currency: "JPY", Read: 7, Whole: 1}}
	j.Rejects = 2
	j.Reasons = []job.Reason{
		{Dataset: "customers", Column: "Email", Code: "bad_email", Count: 1, First: []job.Rejected{{File: 1, Line: 17, Reason: "ann@acme is no address"}}},
		{Dataset: "ann@acme.example", Column: "Ann Mueller", Code: "unknown_dataset", Count: 1, First: []job.Rejected{{File: 0, Line: 3, Reason: "Mueller"}}},
	}
	j.Notes, j.Error, j.Import.Confirm, j.Import.By = []string{"column Ann Mueller is ignored"}, "Mueller.csv is not CSV", "ann@acme.example goes", "Ann Mueller"
}

func TestAMessageTellsWhatHappened(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	j := b.ended(full)
	b.deliver(b.process(func(c *notify.Config) { c.PublicURL = "https://reseed.example" }))
	m := b.mail.got[0]
	if m.Subject != "Import into Größe & Co: done, 11 added, 2 changed, 2 rejected" {
		t.Errorf("subject %q", m.Subject)
	}
	want := strings.ReplaceAll(`Import into Größe & Co: done

Job JOB
Began  2026-11-30 11:58 UTC
Ended  2026-11-30 12:00 UTC

Rows
  dataset    read  added  changed  unchanged  removed  rejected
  other         1      0        0          0        0         1
  customers    12      8        2          1        0         1
  invoices      3      3        0          0        0         0

  amounts              read     added  changed from    to  removed
  line items  EUR  1,250.00  1,250.00          0.00  0.00     0.00
  payments    JPY         7         0             0     0        0

Rejected: 2 rows
  customers, Email, bad_email: 1 (first in line 17 of file 2 of 2)
  other, unknown_dataset: 1 (first in line 3 of file 1 of 2)

In a browser:
  https://reseed.example/jobs/JOB

To take it back:
  reseed undo JOB --url https://reseed.example

Each rejected row, with the reason:
  reseed jobs JOB --rejects --url https://reseed.example
`, "JOB", j.ID)
	if diff := cmp.Diff(want, m.Text); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for _, part := range []string{"<h1", "Größe &amp; Co: done", ">1,250.00</td>", "width=device-width", "reseed undo " + j.ID, `href="https://reseed.example/jobs/` + j.ID + `"`, "line 17 of file 2 of 2"} {
		if !strings.Contains(m.HTML, part) {
			t.Errorf("the HTML lacks %q", part)
		}
	}
	body, err := json.Marshal(b.hook.got[0].Facts)
	b.must(err)
	for _, secret := range []string{"ann", "Ann", "Mueller", "acme"} {
		if strings.Contains(m.Subject+m.Text+m.HTML+string(body), secret) {
			t.Errorf("the message tells %q", secret)
		}
	}
}

// Plans that others use are counted, and not named.
func TestUsedPlans(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.ended(func(j *job.Job) {
		full(j)
		j.Import.UsedPlans = []job.PlanUse{{Plan: "ann@acme.example", Invoices: 14}, {Plan: "Mueller", Invoices: 1, Events: 2}}
	})
	b.deliver(b.process(func(*notify.Config) {}))
	m := b.mail.got[0]
	for _, want := range []string{"stays, because it is used by 14 invoices.\n", "stays, because it is used by 1 invoice and 2 subscription events.\n"} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("the message lacks %q: %s", want, m.Text)
		}
	}
	body, err := json.Marshal(b.hook.got[0].Facts)
	b.must(err)
	if !strings.Contains(string(body), `"used_plans":[{"invoices":14},`) || strings.Contains(m.Text+m.HTML+string(body), "Mueller") || strings.Contains(string(body), "acme") {
		t.Errorf("the message is\n%s\n%s", m.Text, body)
	}
}

// A tab is named only if that tells nothing of people.
func TestPlacesInTabs(t *testing.T) {
	t.Parallel()
	tab := func(title string) job.File {
		return job.File{Name: title, Tab: title, Dataset: "customers", Header: []string{"External ID", "Name", "Email"}}
	}
	for want, files := range map[string][]job.File{
		"(first in Customers!C17)":                             {tab("Customers")},
		"(first in 'LINE ITEMS'!C17)":                          {tab("LINE ITEMS"), tab("Ann")},
		"(first in cell C17 of tab 1 of the 2 that were read)": {tab("Ann Mueller"), tab("Ann")},
		"(first in cell C17)":                                  {tab("Ann!Mueller")},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			b.ended(func(j *job.Job) {
				full(j)
				files[0].Rejects, files[len(files)-1].Rejects = 1, 1
				j.Import.Files = files
				j.Reasons = []job.Reason{{Dataset: "customers", Column: "Email", Code: "bad_email", Count: 1, First: []job.Rejected{{File: 0, Line: 17}}}}
			})
			b.deliver(b.process(func(*notify.Config) {}))
			m := b.mail.got[0]
			if strings.Contains(m.Text, "--rejects --out rejects-") != (len(files) > 1) {
				t.Errorf("the rejects of %d files: %s", len(files), m.Text)
			}
			if !strings.Contains(m.Text, want) || strings.Contains(m.Text+m.HTML, "Ann") {
				t.Errorf("%s lacks %q, or has more", m.Text, want)
			}
		})
	}
}

// What people are told of each kind of end, and what they can do.
func TestHeadlinesAndSteps(t *testing.T) {
	t.Parallel()
	counts := map[string]job.Counts{"customers": {Read: 2, Added: 1, Removed: 3}}
	erase := func(j *job.Job) {
		j.Kind, j.Import, j.Erase = job.Erase, nil, &job.EraseSpec{Selection: "content", Removed: map[string]int64{"customers": 12, "invoice_pointers": 3}}
	}
	for name, c := range map[string]struct {
		made, ended func(*job.Job)
		subject     string
		steps       []string
		has         string
	}{
		"nothing changed": {nothing, nothing, "Import into S: done: nothing changed", nil, ""},
		"a plan": {
			func(j *job.Job) { j.Import.Applying = false }, func(j *job.Job) { j.Status, j.Datasets = job.Planned, counts },
			"Import into S: the plan is ready: 1 added, 3 removed",
			[]string{"apply", "cancel", "jobs"},
			"Nothing has been changed yet.",
		},
		"a question": {
			func(j *job.Job) { j.Import.Applying = false }, func(j *job.Job) {
				j.Status, j.Datasets, j.Import.Confirm = job.Planned, counts, "ann@acme.example goes"
			},
			"Import into S waits for your yes: 1 added, 3 removed",
			[]string{"jobs", "apply", "cancel", "jobs"},
			"as soon as somebody says yes",
		},
		"a tab is gone": {
			func(j *job.Job) { j.Import.Applying = false }, func(j *job.Job) {
				j.Status, j.Import.Confirm, j.Import.Origin = job.Planned, "ann@acme.example goes", job.ByPull
				j.Import.Datasets, j.Import.Pull = []string{"plans"}, &job.PullSpec{Had: []string{"plans", "line_items", "ann@acme.example"}}
			},
			"Sync of S waits for your yes",
			[]string{"jobs", "apply", "cancel", "jobs"},
			"has rows of line items, other any more",
		},
		"a pull that failed": {
			func(j *job.Job) { j.Import.Applying, j.Import.Failing = false, "it fails" }, func(j *job.Job) {
				j.Status, j.ErrorCode, j.Import.Origin = job.Failed, sheets.CodeNotShared, job.ByPull
			},
			"Sync of S: failed",
			[]string{"jobs"},
			"Share it with that address as a viewer",
		},
		"an import that failed with a pull's code": {
			func(j *job.Job) { j.Import.Applying, j.Import.Failing = false, "it fails" }, func(j *job.Job) { j.Status, j.ErrorCode = job.Failed, sheets.CodeNoRows },
			"Import into S: failed",
			[]string{"jobs"},
			"The code of the error is empty_input.",
		},
		"a failure": {
			func(j *job.Job) { j.Import.Applying, j.Import.Failing = false, "it fails" }, func(j *job.Job) { j.Status, j.Error, j.ErrorCode = job.Failed, "ann@acme.example", "no_rows" },
			"Import into S: failed",
			[]string{"jobs"},
			"The code of the error is no_rows.",
		},
		"a failure halfway": {
			func(j *job.Job) { j.Import.Failing = "it fails" }, func(j *job.Job) { j.Status, j.ErrorCode = job.Failed, "source_erased" },
			"Import into S: failed halfway",
			[]string{"jobs", "undo"},
			"stay until they are taken back",
		},
		"cancelled": {
			func(j *job.Job) { j.Import.Applying, j.Import.Cancel = false, true }, func(j *job.Job) { j.Status = job.Cancelled }, "Import into S: cancelled", nil, "Nothing was changed.",
		},
		"an undo": {
			func(j *job.Job) { j.Import.Undo = "j0" }, func(j *job.Job) {
				j.Datasets, j.Rejects = map[string]job.Counts{"customers": {Read: 3, Removed: 2, Rejected: 1}}, 1
			},
			"Undo in S: done, 2 removed again, 1 left alone",
			[]string{"jobs"},
			"Left alone: 1 rows",
		},
		"a sync": {
			func(j *job.Job) { j.Import.Origin = job.ByPull }, func(j *job.Job) { j.Datasets = counts }, "Sync of S: done, 1 added, 3 removed", []string{"undo"}, "",
		},
		"an erase": {
			erase, func(j *job.Job) {
				j.Erase.Receipt, _ = json.Marshal(eraser.Receipt{Job: "j", Selection: eraser.Content, Total: 15, Residue: []eraser.Remains{{What: "backups of the table", Until: time.Date(2027, 1, 4, 0, 0, 0, 0, time.UTC)}}})
			},
			"Erase in S: done",
			[]string{"receipts"},
			"A copy may remain: backups of the table until 2027-01-04 00:00 UTC",
		},
		"a restore": {
			func(j *job.Job) { erase(j); j.Status = job.Grace }, func(j *job.Job) { j.Status = job.Restored }, "Erase in S: restored", nil, "visible again",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			l := b.ledger()
			j := &job.Job{Kind: job.Import, SourceName: "S", Import: &job.ImportSpec{Origin: job.ByFile, Scanned: true, Applying: true}}
			c.made(j)
			if j.Status == job.Grace {
				writes, err := l.Prepare(t.Context(), j)
				b.must(err)
				b.must(b.st.Transact(t.Context(), writes...))
			} else if _, err := l.Create(t.Context(), j); err != nil {
				t.Fatal(err)
			}
			_, _, err := l.End(t.Context(), j.ID, func(j *job.Job) error { j.Status = job.Done; c.ended(j); return nil })
			b.must(err)
			b.deliver(b.process())
			m := b.mail.got[0]
			var steps []string
			for _, s := range m.Next {
				steps = append(steps, strings.Fields(s.Command)[1])
			}
			if m.Subject != c.subject || !cmp.Equal(steps, c.steps) {
				t.Errorf("%q, steps %v", m.Subject, steps)
			}
			if !strings.Contains(m.Text, c.has) || !strings.Contains(m.HTML, c.has) || strings.Contains(m.Text+m.HTML, "ann@") {
				t.Errorf("%s\n%s", m.Text, m.HTML)
			}
			if !strings.HasPrefix(m.Subject, "Sync") && strings.Contains(m.Text, "spreadsheet") {
				t.Errorf("a job that has to do with no spreadsheet: %s", m.Text)
			}
		})
	}
}

// hook is a webhook that keeps its calls, and answers as it is told.
type hook struct {
	mu     sync.Mutex
	status int
	calls  []*http.Request
	bodies [][]byte
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	h.calls, h.bodies = append(h.calls, r), append(h.bodies, body)
	w.Header().Set("Location", "/elsewhere")
	w.WriteHeader(h.status)
}

func TestTheWebhookIsSigned(t *testing.T) {
	t.Parallel()
	h := &hook{status: http.StatusFound}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	b, secret := newBed(t), bytes.Repeat([]byte{7}, 32)
	j := b.ended(full)
	n := b.process(func(c *notify.Config) {
		c.Webhook = notify.ToWebhook(config.Config{WebhookURL: config.Link(srv.URL + "/hook?token=hunter2"), WebhookSecret: secret}, b.clock)
	})
	for _, status := range []int{http.StatusFound, http.StatusInternalServerError, http.StatusNoContent, http.StatusOK} {
		h.status = status
		b.deliver(n)
		b.pass(time.Hour)
	}
	if len(h.calls) != 3 {
		t.Fatalf("%d calls", len(h.calls))
	}
	h.signed(t, j.ID, secret)
	var got struct {
		Type string       `json:"type"`
		Data notify.Facts `json:"data"`
	}
	b.must(json.Unmarshal(h.bodies[2], &got))
	if got.Type != "job.ended" || got.Data.Job != j.ID || got.Data.Datasets["customers"].Added != 8 || got.Data.Totals[0].Read != 125000 {
		t.Errorf("%s", h.bodies[2])
	}
	if d := b.told(j)["webhook"]; d.Result != job.Sent || d.Tries != 3 {
		t.Errorf("%+v", d)
	}
	if strings.Contains(b.log.String(), "hunter2") {
		t.Error("the log tells the URL")
	}
}

// signed checks the calls, one an hour, of the message that a job has ended.
func (h *hook) signed(t *testing.T, jobID string, secret []byte) {
	t.Helper()
	for i, r := range h.calls {
		id, stamp := r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp")
		mac := hmac.New(sha256.New, secret)
		_, _ = mac.Write([]byte(id + "." + stamp + "." + string(h.bodies[i])))
		if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); r.Header.Get("webhook-signature") != want {
			t.Errorf("signature %s, want %s", r.Header.Get("webhook-signature"), want)
		}
		at, err := strconv.ParseInt(stamp, 10, 64)
		if tried := time.Date(2026, 11, 30, 12+i, 0, 0, 0, time.UTC); err != nil || at != tried.Unix() || id != jobID+"-ended" || strings.Contains(id, ".") {
			t.Errorf("id %s, time %s", id, stamp)
		}
		if r.URL.Path != "/hook" || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
		}
	}
}

func TestTheWebhookWantsNoMore(t *testing.T) {
	t.Parallel()
	h := &hook{status: http.StatusGone}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	b := newBed(t)
	j := b.ended(nothing)
	n := b.process(func(c *notify.Config) {
		c.Webhook = notify.ToWebhook(config.Config{WebhookURL: config.Link(srv.URL)}, b.clock)
	})
	for range 2 {
		b.deliver(n)
		b.pass(time.Hour)
	}
	if d := b.told(j)["webhook"]; d.Result != job.GivenUp || len(h.calls) != 1 {
		t.Errorf("%+v after %d calls", d, len(h.calls))
	}
	srv.Close()
	j = b.ended(nothing)
	b.deliver(n)
	if d := b.told(j)["webhook"]; d.Result != "" || !strings.Contains(d.Why, "could not be reached") {
		t.Errorf("%+v", d)
	}
}
