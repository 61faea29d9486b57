package job_test

import (
	"fmt"
	"testing"
	"time"

	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table/mem"
)

// TestWhichEndsAreTold ends a job in every way that people are or are not told of.
func TestWhichEndsAreTold(t *testing.T) {
	t.Parallel()
	changed, same := map[string]job.Counts{"customers": {Read: 2, Changed: 1, Unchanged: 1}}, map[string]job.Counts{"customers": {Read: 2, Unchanged: 2}}
	scheduled := func(s job.Scheduled) func(*job.Job) { return func(j *job.Job) { j.Scheduled = &s } }
	asIs := func(*job.Job) {}
	for name, c := range map[string]struct {
		made   func(*job.Job)
		status job.Status
		counts map[string]job.Counts
		want   job.About
	}{
		"an import that is done":           {asIs, job.Done, changed, job.AboutEnd},
		"one that changes nothing":         {asIs, job.Done, same, job.AboutEnd},
		"one that failed":                  {asIs, job.Failed, nil, job.AboutEnd},
		"one that was cancelled":           {asIs, job.Cancelled, nil, job.AboutEnd},
		"a plan":                           {asIs, job.Planned, changed, job.AboutWaiting},
		"a request that wants no message":  {func(j *job.Job) { j.Quiet = true }, job.Done, changed, ""},
		"its plan":                         {func(j *job.Job) { j.Quiet = true }, job.Planned, changed, ""},
		"an erase":                         {func(j *job.Job) { j.Kind, j.Import, j.Erase = job.Erase, nil, &job.EraseSpec{} }, job.Done, nil, job.AboutEnd},
		"an export":                        {func(j *job.Job) { j.Kind, j.Import, j.Export = job.Export, nil, &job.ExportSpec{} }, job.Done, nil, ""},
		"a scheduled pull with changes":    {scheduled(job.Scheduled{}), job.Done, changed, job.AboutEnd},
		"one without":                      {scheduled(job.Scheduled{}), job.Done, same, ""},
		"one that works again":             {scheduled(job.Scheduled{Failing: true}), job.Done, changed, job.AboutEnd},
		"one that fails":                   {scheduled(job.Scheduled{}), job.Failed, nil, job.AboutEnd},
		"one that fails again":             {scheduled(job.Scheduled{Failing: true}), job.Failed, nil, ""},
		"one that waits":                   {scheduled(job.Scheduled{}), job.Planned, changed, job.AboutWaiting},
		"one that waits with the same":     {scheduled(job.Scheduled{Waited: changed}), job.Planned, changed, ""},
		"one that waits with other counts": {scheduled(job.Scheduled{Waited: same}), job.Planned, changed, job.AboutWaiting},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := job.NewLedger(newStore(mem.Options{}), time.Now)
			j := &job.Job{Kind: job.Import, Import: &job.ImportSpec{Scanned: true, Applying: c.status == job.Done, Cancel: c.status == job.Cancelled}}
			if c.status == job.Failed {
				j.Import.Failing = "it fails"
			}
			c.made(j)
			create(t, l, j)
			_, _, err := l.End(t.Context(), j.ID, func(j *job.Job) error {
				j.Status, j.Datasets = c.status, c.counts
				return nil
			})
			must(t, err)
			list, err := l.Outbox(t.Context())
			must(t, err)
			var got job.About
			for _, m := range list {
				got = m.About
			}
			if got != c.want || len(list) > 1 {
				t.Errorf("told of %q in %d messages, want %q", got, len(list), c.want)
			}
		})
	}
}

// A scheduled pull is not told of if people know already: not if they were to be told and were not, such
// as by a server that was down.
func TestAScheduledPullKnowsWhatPeopleKnow(t *testing.T) {
	t.Parallel()
	counts := map[string]job.Counts{"customers": {Read: 2, Changed: 1}}
	told := func(about job.About, r job.Result) []job.Message {
		return []job.Message{{About: about, Ways: map[string]job.Delivery{"mail": {Result: r}}}}
	}
	for name, c := range map[string]struct {
		last *job.Job
		want job.Scheduled
	}{
		"none before":                  {nil, job.Scheduled{}},
		"a failure that was told":      {&job.Job{Status: job.Failed, Told: told(job.AboutEnd, job.Sent)}, job.Scheduled{Failing: true}},
		"a failure in the outbox":      {&job.Job{Status: job.Failed}, job.Scheduled{}},
		"a second failure":             {&job.Job{Status: job.Failed, Scheduled: &job.Scheduled{Failing: true}}, job.Scheduled{Failing: true}},
		"a plan that was told":         {&job.Job{Status: job.Planned, Datasets: counts, Told: told(job.AboutWaiting, job.Sent)}, job.Scheduled{Waited: counts}},
		"a plan in the outbox":         {&job.Job{Status: job.Planned, Datasets: counts}, job.Scheduled{}},
		"the same plan, a second time": {&job.Job{Status: job.Planned, Datasets: counts, Scheduled: &job.Scheduled{Waited: counts}}, job.Scheduled{Waited: counts}},
		"one that is done":             {&job.Job{Status: job.Done, Told: told(job.AboutEnd, job.Sent)}, job.Scheduled{}},
	} {
		same(t, name, fmt.Sprint(c.want), fmt.Sprint(*job.ScheduledAfter(c.last)))
	}
}

// A message is tried by one process at a time, and settled once, also if the item of a later version
// is settled by this one.
func TestOneProcessTriesAMessage(t *testing.T) {
	t.Parallel()
	ctx, st := t.Context(), newStore(mem.Options{})
	now := time.Now()
	clock := func() time.Time { return now }
	l, other := job.NewLedger(st, clock), job.NewLedger(st, clock)
	j := create(t, l, &job.Job{Kind: job.Import, Tag: 1, Import: &job.ImportSpec{Scanned: true, Applying: true}})
	bystander := create(t, l, &job.Job{Kind: job.Import, Tag: 2, Import: &job.ImportSpec{Scanned: true, Applying: true}})
	for _, j := range []*job.Job{j, bystander} {
		_, _, err := l.End(ctx, j.ID, done)
		must(t, err)
	}
	tomorrow(t, st, store.OutboxKey(j.ID, "ended"), "")
	mine, theirs := first(t, l), first(t, other)
	same(t, "job", j.ID, mine.Job)
	tried := func(l *job.Ledger, m *job.Message) bool {
		ok, err := l.Try(ctx, m, "mail", time.Minute)
		must(t, err)
		return ok
	}
	same(t, "the first try", true, tried(l, mine))
	same(t, "a try at the same time", false, tried(other, theirs))
	theirs = first(t, other)
	same(t, "ready while that goes on", false, other.Ready(theirs, "mail"))
	same(t, "ready on another way", true, other.Ready(theirs, "webhook"))
	now = now.Add(time.Minute)
	same(t, "ready after the lease", true, other.Ready(theirs, "mail"))
	same(t, "the second try", true, tried(other, theirs))
	must(t, l.Tried(ctx, mine, "mail", job.Sent, "", time.Time{})) // it comes too late
	same(t, "tries", 2, first(t, l).Ways["mail"].Tries)
	must(t, other.Tried(ctx, theirs, "mail", job.Sent, "", time.Time{}))
	must(t, other.Settle(ctx, theirs, map[string]job.Result{"webhook": job.Unset}))
	must(t, l.Settle(ctx, mine, nil)) // it has changed: nothing happens
	same(t, "the message left", bystander.ID, first(t, l).Job)
	told, err := l.Get(ctx, j.ID)
	must(t, err)
	same(t, "messages told of", 1, len(told.Told))
	same(t, "result", job.Sent, told.Told[0].Ways["mail"].Result)
	same(t, "tries told of", 2, told.Told[0].Ways["mail"].Tries)
	same(t, "webhook", job.Unset, told.Told[0].Ways["webhook"].Result)
}

// first is the first message of the outbox.
func first(t *testing.T, l *job.Ledger) *job.Message {
	t.Helper()
	list, err := l.Outbox(t.Context())
	must(t, err)
	if len(list) == 0 {
		t.Fatal("the outbox is empty")
	}
	return list[0]
}
