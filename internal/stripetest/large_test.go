package stripetest_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"reseed/internal/stripetest"
	"reseed/pkg/billing"
	"reseed/pkg/source/stripe"
	"reseed/pkg/source/system"
)

// judged is an account of which every request and answer is judged.
type judged struct {
	http.RoundTripper

	t     *testing.T
	judge *stripetest.Judge
}

func (j judged) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := j.judge.Request(r); err != nil {
		j.t.Error(err)
	}
	answer, err := j.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if err := j.judge.Answer(r, body); err != nil {
		j.t.Error(err)
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, nil
}

// pulled reads a whole account, and returns its objects by customer, "" for the catalog; and how many charges there are.
func pulled(t *testing.T, base string) (of map[string][]system.Object, charges int) {
	t.Helper()
	reader, err := stripe.System{}.Open(system.Connection{Credentials: map[string]string{"key": stripetest.Key}, Base: base, Unlimited: true, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	of = map[string][]system.Object{}
	seen := map[string]bool{}
	for cursor, done := reader.Begin(time.Now(), ""), false; !done; {
		page, err := reader.Page(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Objects {
			b, err := stripe.System{}.BelongsTo(o)
			if err != nil || seen[b.Own] {
				t.Fatalf("%s comes again, or %v", b.Own, err)
			}
			seen[b.Own] = true
			of[b.Customer] = append(of[b.Customer], o)
			if o.Stream == stripe.Charges {
				charges++
			}
		}
		cursor, done = page.Next, page.Done
	}
	return of, charges
}

// What a large account answers is as Stripe answers; each object is another one, and each invoice becomes records.
func TestLarge(t *testing.T) {
	t.Parallel()
	const customers, invoices = 33, 7
	judge, err := stripetest.TheJudge()
	if err != nil {
		t.Fatal(err)
	}
	large, err := stripetest.NewLarge(customers, invoices)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(stripetest.Handler(judged{large, t, judge}))
	t.Cleanup(server.Close)
	of, charges := pulled(t, server.URL)
	plans := len(of[""])
	delete(of, "")
	if len(of) != customers || charges != customers*invoices || plans != 2 {
		t.Errorf("%d customers, %d charges, %d objects of the catalog", len(of), charges, plans)
	}
	for customer, objects := range of {
		mapped := stripe.System{}.Map(objects, system.Settings{})
		dates := map[time.Time]bool{}
		for _, r := range mapped.Records {
			if in, ok := r.(*billing.Invoice); ok {
				dates[in.Date] = true
			}
		}
		if len(mapped.Records) != 1+3*invoices || len(dates) != invoices || len(mapped.Issues) > 0 {
			t.Errorf("%s has %d records, invoices on %d days, %+v", customer, len(mapped.Records), len(dates), mapped.Issues)
		}
		if c, ok := mapped.Records[0].(*billing.Customer); !ok || !strings.Contains(c.Email, customer) {
			t.Errorf("%+v", mapped.Records[0])
		}
	}
}
