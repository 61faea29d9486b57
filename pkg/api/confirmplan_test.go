package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
)

// through sends requests of a client to a handler.
type through struct{ b *bed }

// RoundTrip serves the request.
func (t through) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	ans := t.b.serve(r)
	return &http.Response{StatusCode: ans.status, Header: ans.header, Body: io.NopCloser(strings.NewReader(ans.body)), Request: r}, nil
}

// client is a typed client of the bed.
func (b *bed) client() *client.Client {
	return client.New("http://bed", testKey, &http.Client{Transport: through{b}})
}

// keepsBystanders imports a second source, and returns a check that it is as it was.
func (b *bed) keepsBystanders() func() {
	b.t.Helper()
	other := text(b.t, b.must(201, "POST", "/v1/data_sources", `{"name":"Bystander"}`), "uuid")
	b.must(201, "POST", "/v1/customers", fmt.Sprintf(`{"data_source_uuid":%q,"external_id":"z1","name":"Zoe"}`, other))
	path := "/v1/customers?data_source_uuid=" + other
	before := b.do("GET", path, "").body
	return func() {
		b.t.Helper()
		if after := b.do("GET", path, "").body; after != before {
			b.t.Errorf("the bystander was %s and is %s", before, after)
		}
	}
}

func confirms(b *bed, e wire.Erasure) (wire.Erasure, *wire.ErasePlan) {
	b.t.Helper()
	p, err := b.client().PlanErase(b.t.Context(), e)
	if err != nil {
		b.t.Fatal(err)
	}
	e.Plan = p.ID
	return e, p
}

// stale is the new plan of an erase that must be refused because its plan is stale.
func (b *bed) stale(e wire.Erasure) *wire.ErasePlan {
	b.t.Helper()
	_, err := b.client().Erase(b.t.Context(), e)
	refused, ok := errors.AsType[*client.Error](err)
	if !ok || refused.Status != http.StatusConflict || refused.Stale == nil {
		b.t.Fatalf("a stale plan was answered with %v", err)
	}
	return refused.Stale
}

// One plan is carried out once, however often it is confirmed: while the erase runs, when it has ended,
// and after it was restored.
func TestAPlanIsCarriedOutOnce(t *testing.T) {
	t.Parallel()
	for _, grace := range []string{"", "48h"} {
		for _, kind := range []string{wire.SelectSource, wire.SelectContent, wire.SelectDependent, wire.SelectManualCustomers, wire.SelectCustomer, wire.SelectImport} {
			t.Run(kind+grace, func(t *testing.T) { t.Parallel(); carriedOutOnce(t, kind, grace) })
		}
	}
}

func carriedOutOnce(t *testing.T, kind, grace string) {
	t.Helper()
	b := newBed(t, loadOpenAPI(t))
	imported := b.done("done", file("a.csv", february))
	same := b.keepsBystanders()
	c := b.client()
	order := wire.Erasure{Selection: kind, Grace: grace}
	switch kind {
	case wire.SelectSource, wire.SelectContent, wire.SelectDependent:
		order.Source = "First"
	case wire.SelectCustomer:
		order.Source, order.ExternalID = "First", "c1"
	case wire.SelectImport:
		order.ID = imported
	}
	e, _ := confirms(b, order)
	first, err := c.Erase(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	again := func(when string) {
		t.Helper()
		if j, err := c.Erase(t.Context(), e); err != nil || j.ID != first.ID {
			t.Errorf("%s: %v, %v, not the job %s", when, j, err, first.ID)
		}
	}
	again("at once")
	if grace != "" {
		if _, err := c.Restore(t.Context(), first.ID); err != nil {
			t.Fatal(err)
		}
		again("restored")
		b.count(4, "/v1/customers", "entries")
	} else {
		b.work()
		again("ended")
		if kind != wire.SelectSource {
			b.done("done", file("a.csv", february))
			again("imported again")
		}
	}
	same()
	if got := column(t, b.must(200, "GET", "/v1/erasures", ""), "jobs", "id"); !slices.Equal(got, []string{first.ID}) {
		t.Errorf("erases: %v", got)
	}
}

// A plan that says anything else than what would be done now is refused, and nothing is erased.
func TestAStalePlanIsRefused(t *testing.T) {
	t.Parallel()
	b := newBed(t, loadOpenAPI(t))
	b.done("done", file("a.csv", february))
	same := b.keepsBystanders()
	order := wire.Erasure{Selection: wire.SelectContent, Source: "First"}
	e, plan := confirms(b, order)
	if plan.Removes["customers"] != 3 || plan.Seconds <= 0 {
		t.Fatalf("%+v", plan)
	}
	keep := false
	for what, other := range map[string]wire.Erasure{
		"another kind":   {Selection: wire.SelectSource, Source: "First", Plan: e.Plan},
		"another source": {Selection: wire.SelectContent, Source: "Bystander", Plan: e.Plan},
		"a grace period": {Selection: wire.SelectContent, Source: "First", Plan: e.Plan, Grace: "1h"},
		"edits":          {Selection: wire.SelectContent, Source: "First", Plan: e.Plan, KeepEdits: &keep},
		"no plan":        {Selection: wire.SelectContent, Source: "First", Plan: "x"},
		"half a plan":    {Selection: wire.SelectContent, Source: "First", Plan: e.Plan[:len(e.Plan)-1]},
	} {
		if now := b.stale(other); now.Selection != other.Selection {
			t.Errorf("%s: the new plan is of %s", what, now.Selection)
		}
	}
	b.must(201, "POST", "/v1/customers", fmt.Sprintf(`{"data_source_uuid":%q,"external_id":"c9"}`, b.source))
	now := b.stale(e)
	if now.Removes["customers"] != 4 {
		t.Errorf("%+v", now.Removes)
	}
	b.count(5, "/v1/customers", "entries")

	// Emptied and filled with as many again, it holds other rows.
	e.Plan = now.ID
	b.erase(`{"selection":"content","source":"First"}`)
	b.work()
	b.done("done", file("a.csv", february))
	b.must(201, "POST", "/v1/customers", fmt.Sprintf(`{"data_source_uuid":%q,"external_id":"c9"}`, b.source))
	e.Plan = b.stale(e).ID

	b.wait(25 * time.Hour)
	e.Plan = b.stale(e).ID // it was too old
	e.Reason = "contract ended"
	j, err := b.client().Erase(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	b.work()
	r, err := b.client().Receipt(t.Context(), j.ID)
	if err != nil || r.Total != 4 || r.Reason != "contract ended" {
		t.Errorf("%+v, %v", r, err)
	}
	same()
	e.Plan = ""
	e.Source = "Nobody"
	if _, err := b.client().Erase(t.Context(), e); !client.IsNotFound(err) {
		t.Errorf("an unknown source: %v", err)
	}
}

// Requests at the same time begin one erase.
func TestAPlanConfirmedTwiceAtOnce(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	b.done("done", file("a.csv", february))
	same := b.keepsBystanders()
	e, _ := confirms(b, wire.Erasure{Selection: wire.SelectContent, Source: "First", Grace: "1h"})
	ids := make(chan string)
	for range 4 {
		go func() {
			j, err := b.client().Erase(context.WithoutCancel(t.Context()), e)
			if err != nil {
				ids <- err.Error()
				return
			}
			ids <- j.ID
		}()
	}
	got := map[string]bool{}
	for range 4 {
		got[<-ids] = true
	}
	if len(got) != 1 {
		t.Errorf("answers: %v", got)
	}
	same()
}

// Receipts come page by page, and each once.
func TestReceiptsInPages(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	var want []string
	for range 5 {
		b.done("done", file("a.csv", february))
		want = append([]string{b.erase(`{"selection":"content","source":"First"}`)}, want...)
		b.work()
	}
	var got []string
	for cursor := ""; ; {
		page, err := b.client().ReceiptsAfter(t.Context(), cursor, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Receipts {
			got = append(got, r.Job)
		}
		if !page.HasMore {
			break
		}
		cursor = *page.Cursor
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	erasures, err := b.client().Erasures(t.Context(), "")
	if err != nil || len(erasures.Jobs) != 5 {
		t.Errorf("%v, %v", erasures, err)
	}
}
