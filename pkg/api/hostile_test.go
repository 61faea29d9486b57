package api_test

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"reseed/pkg/table/mem"
)

// mostAllocated is how many bytes one request may allocate from its beginning to its end.
const mostAllocated = 200 << 20

// detecting is the factor by which the race detector increases allocations; 1 without it.
var detecting = 1.0

// brimming repeats a text until it is about 5 MB, and joins the copies with commas.
func brimming(text string) string { return times(text, (5<<20-1000)/(len(text)+1)) }

func times(text string, n int) string { return strings.TrimSuffix(strings.Repeat(text+",", n), ",") }

// numbered makes n texts from a pattern, each with its number.
func numbered(pattern string, n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(pattern, i)
	}
	return strings.Join(all, ",")
}

// No body makes a request hold or allocate much: a body with too much of anything is refused before
// it is decoded.
func TestHostileBodies(t *testing.T) { //nolint:paralleltest // it measures what is allocated
	a := newAPI(t, mem.Options{})
	first, _ := a.fixed()
	c := a.customer(first, "c1", `,"email":"c1@example.com"`)
	invoices, tags, custom := "/v1/import/customers/"+c+"/invoices", "/v1/customers/"+c+"/attributes/tags", "/v1/customers/"+c+"/attributes/custom"
	invoice := func(id, lines string) string {
		return `{"external_id":"` + id + `","date":"2020-01-01","currency":"USD","line_items":[` + lines + `]}`
	}
	line := `{"type":"one_time","amount_in_cents":1}`
	trans := `{"type":"payment","result":"successful","date":"2020-01-01"}`
	a.must(201, "POST", invoices, `{"invoices":[`+invoice("first", line)+`]}`)
	one := a.walk("/v1/invoices", "invoices", "uuid", 200)[0]
	for _, tt := range []struct { //nolint:paralleltest // the same
		name, method, path, body string
		status                   int
		says                     string
	}{
		{"empty invoices", "POST", invoices, `{"invoices":[` + brimming(`{}`) + `]}`, 413, "300000 values"},
		{"numbers in place of invoices", "POST", invoices, `{"invoices":[` + brimming(`1`) + `]}`, 413, "300000 values"},
		{"1,001 invoices", "POST", invoices, `{"invoices":[` + times(`{}`, 1001) + `]}`, 422, `"invoices":"holds more than 1000; split`},
		{"1,000 empty invoices", "POST", invoices, `{"invoices":[` + times(`{}`, 1000) + `]}`, 422, "can't be blank"},
		{"empty lines", "POST", invoices, `{"invoices":[` + invoice("i", brimming(`{}`)) + `]}`, 413, "300000 values"},
		{"90,000 valid lines", "POST", invoices, `{"invoices":[` + invoice("i", times(line, 90_000)) + `]}`, 422, `"line_items":"holds more than 1000; split`},
		{"100,000 valid lines", "POST", invoices, `{"invoices":[` + invoice("i", times(line, 100_000)) + `]}`, 413, "300000 values"},
		{"1,001 lines", "POST", invoices, `{"invoices":[` + invoice("i", times(line, 1001)) + `]}`, 422, `"line_items":"holds more than 1000; split`},
		{"1,001 transactions", "POST", invoices, `{"invoices":[{"transactions":[` + times(trans, 1001) + `]}]}`, 422, `"transactions":"holds more than 1000; split`},
		{"10,001 records", "POST", invoices, `{"invoices":[` + invoice("i", times(line, 10)) + "," + numbered(invoice("i%d", times(line, 9)), 1000-1) + `]}`, 422, "hold more than 10000 invoices"},
		{"10,001 records with cancellations", "POST", invoices, `{"invoices":[` + numbered(invoice("i%d", times(`{"type":"subscription","amount_in_cents":1,"cancelled_at":"2020-01-01"}`, 5)), 910) + `]}`, 422, "hold more than 10000 invoices"},
		{"texts of nothing but escapes", "POST", invoices, `{"invoices":[` + invoice(strings.Repeat(`\u0001`, 800_000), line) + `]}`, 422, "800000 characters"},
		{"tags", "POST", tags, `{"tags":[` + numbered(`"t%d"`, 100_000) + `]}`, 422, `"tags":"holds more than 500; split`},
		{"one tag again and again", "POST", tags, `{"tags":[` + brimming(`"t"`) + `]}`, 413, "300000 values"},
		{"tags taken away", "DELETE", tags, `{"tags":[` + numbered(`"t%d"`, 100_000) + `]}`, 422, `"tags":"holds more than 500; split`},
		{"tags by e-mail", "POST", "/v1/customers/attributes/tags", `{"email":"c1@example.com","tags":[` + numbered(`"t%d"`, 501) + `]}`, 422, "holds more than 500"},
		{"tags of a change", "PATCH", "/v1/customers/" + c, `{"attributes":{"tags":[` + numbered(`"t%d"`, 501) + `]}}`, 422, `"attributes.tags":"holds more than 500`},
		{"tags of a new customer", "POST", "/v1/customers", `{"data_source_uuid":"` + first + `","external_id":"new","attributes":{"tags":[` + numbered(`"t%d"`, 501) + `]}}`, 422, `"attributes.tags":"holds more than 500`},
		{"custom attributes", "POST", custom, `{"custom":[` + numbered(`{"type":"Integer","key":"k%d","value":1}`, 60_000) + `]}`, 422, `"custom":"holds more than 500`},
		{"custom attributes as an object", "PUT", custom, `{"custom":{` + numbered(`"k%d":1`, 501) + `}}`, 422, `"custom":"holds more than 500`},
		{"names of custom attributes", "PUT", custom, `{"custom":{` + numbered(`"k%d":1`, 300_000) + `}}`, 413, "an object of more than 1000 members"},
		{"custom attributes taken away", "DELETE", custom, `{"custom":[` + numbered(`"k%d"`, 501) + `]}`, 422, `"custom":"holds more than 500`},
		{"a tree as a value", "PUT", custom, `{"custom":{"k":[` + times(`[{"a":1}]`, 90_000) + `]}}`, 422, ""},
		{"members", "POST", "/v1/customers", `{` + numbered(`"m%d":1`, 350_000) + `}`, 413, "an object of more than 1000 members"},
		{"one member again and again", "POST", "/v1/plans", `{` + brimming(`"name":1`) + `}`, 413, "an object of more than 1000 members"},
		{"depth", "POST", "/v1/customers", `{"a":` + strings.Repeat(`[`, 2_500_000) + strings.Repeat(`]`, 2_500_000) + `}`, 400, "more than 32 objects and lists"},
		{"depth of objects", "POST", "/v1/data_sources", strings.Repeat(`{"a":`, 1_000_000), 400, "more than 32 objects and lists"},
		{"a long number", "POST", "/v1/plans", `{"interval_count":` + strings.Repeat("9", 5_000_000) + `}`, 400, "a number of more than 100"},
		{"a long name", "POST", "/v1/plans", `{"` + strings.Repeat("n", 5_000_000) + `":1}`, 400, "a name of more than 1024"},
		{"a long text", "POST", "/v1/data_sources", `{"name":"` + strings.Repeat("n", 5_000_000) + `"}`, 422, "5000000 characters"},
		{"an order of objects", "POST", "/v1/data_sources/" + first + "/imports", `{"objects":[` + brimming(`"a"`) + `]}`, 413, "300000 values"},
		{"options of an order", "POST", "/v1/data_sources/" + first + "/imports", `{"objects":["a"],` + numbered(`"m%d":1`, 350_000) + `}`, 413, "1000 members"},
		{"an erase", "POST", "/v1/erasures", `{"selection":"source",` + numbered(`"m%d":1`, 350_000) + `}`, 413, "1000 members"},
		{"a merge", "POST", "/v1/customers/merges", `{"from":{` + numbered(`"m%d":1`, 350_000) + `},"into":{}}`, 413, "1000 members"},
		{"an unmerge", "POST", "/v1/customers/unmerges", `{"customer_uuid":"a","data_source_uuid":"b","external_id":"c","move_to_new_customer":[` + times(`"notes"`, 200_000) + `]}`, 422, "holds more than 3"},
		{"a change of an invoice", "PATCH", "/v1/invoices/" + one, `{` + brimming(`"status":[]`) + `}`, 413, "1000 members"},
		{"an invoice disabled", "PATCH", "/v1/invoices/" + one + "/disabled_state", `{"disabled":[` + brimming(`[]`) + `]}`, 413, "300000 values"},
		{"a status", "PUT", "/v1/data_sources/" + first + "/invoices/first/status", `{"status":[` + brimming(`[]`) + `]}`, 413, "300000 values"},
		{"a line item", "POST", "/v1/import/invoices/" + one + "/line_items", `{"type":[` + brimming(`[]`) + `]}`, 413, "300000 values"},
		{"a deletion", "DELETE", "/v1/invoices/" + one, `{"handle_as_user_edit":[` + brimming(`[]`) + `]}`, 413, "300000 values"},
		{"the largest that is taken", "POST", invoices, `{"invoices":[` + numbered(invoice("i%d", times(`{"type":"one_time","amount_in_cents":1,"description":"`+strings.Repeat("d", 400)+`"}`, 9)), 1000) + `]}`, 201, ""},
		{"the most of the shortest", "POST", invoices, `{"invoices":[` + numbered(invoice("k%d", times(line, 9)), 1000) + `]}`, 201, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r := a.request(tt.method, tt.path, tt.body)
			r.Header.Set("Content-Type", "application/json")
			ans := a.serve(r)
			runtime.ReadMemStats(&after)
			if ans.status != tt.status || !strings.Contains(ans.body, tt.says) {
				t.Errorf("%d %.300s; want %d %q", ans.status, ans.body, tt.status, tt.says)
			}
			used := after.TotalAlloc - before.TotalAlloc
			t.Logf("%d MB of body, %d MB allocated, %d kB of answer", len(tt.body)>>20, used>>20, len(ans.body)>>10)
			if float64(used) > detecting*mostAllocated {
				t.Errorf("%d MB were allocated", used>>20)
			}
			if len(ans.body) > 4<<20 {
				t.Errorf("the answer has %d bytes", len(ans.body))
			}
		})
	}
}

// leaving is a body whose client goes away as soon as all of it is read.
type leaving struct {
	io.Reader
	leave context.CancelFunc
}

func (l leaving) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	if err != nil {
		l.leave()
	}
	return n, err
}

// When a client has gone, the server stops its request: it decodes and stores nothing of it.
func TestAClientThatHasGone(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	first, _ := a.fixed()
	c := a.customer(first, "c1", "")
	invoice := `{"external_id":"i%d","date":"2020-01-01","currency":"USD","line_items":[{"type":"one_time","amount_in_cents":1}]}`
	for path, body := range map[string]string{
		"/v1/import/customers/" + c + "/invoices":   `{"invoices":[` + numbered(invoice, 1000) + `]}`,
		"/v1/customers/" + c + "/attributes/tags":   `{"tags":[` + numbered(`"t%d"`, 500) + `]}`,
		"/v1/customers/" + c + "/attributes/custom": `{"custom":[{"type":"Integer","key":"k","value":1}]}`,
		"/v1/customers": `{"data_source_uuid":"` + first + `","external_id":"c2"}`,
	} {
		ctx, leave := context.WithCancel(t.Context())
		r := httptest.NewRequestWithContext(ctx, "POST", path, leaving{strings.NewReader(body), leave})
		r.Header.Set("Content-Type", "application/json")
		r.SetBasicAuth(testKey, "")
		if ans := a.serve(r); ans.status < 500 {
			t.Errorf("%s: %d %s", path, ans.status, ans.body)
		}
	}
	if n := len(a.walk("/v1/invoices", "invoices", "uuid", 200)) + len(a.walk("/v1/customers", "entries", "uuid", 200)); n != 1 {
		t.Errorf("%d records, want the one customer", n)
	}
	if log := a.log.String(); log != "" {
		t.Errorf("log: %s", log)
	}
}
