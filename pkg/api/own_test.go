package api_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"reseed/pkg/httpapi"
)

// TestOwnRoutes also checks docs/openapi.yaml: every answer is as described, and every described
// answer was seen.
func TestOwnRoutes(t *testing.T) { //nolint:tparallel // it waits for the group of its subtests
	t.Parallel()
	spec := loadOpenAPI(t)
	tests := map[string]func(*bed){
		"plan, apply, undo": planApplyUndo, "replace waits": replaceWaits, "objects": objectsInJSON, "options": options, "wrong options": wrongOptions,
		"states": states, "unknown jobs": unknownJobs, "erasures": erasures, "restored": restored, "receipts": receipts, "forgotten": forgotten, "emptied": emptied,
		"lists": lists, "records": records, "elsewhere": elsewhere, "progress": progress, "exports": exports, "odd exports": oddExports, "customer exports": customerExports, "customer views": customerViews,
		"too large": tooLarge, "no key": noKey, "broken": broken, "edits": editsOfASource, "customers": customersAndPlans, "invoices": invoices, "line items": partRoutes(samples()[0]),
		"changes by page": changesByPage, "left alone": leftAlone, "not decided": notDecided, "edits added by": editsAddedBy, "rejects of lines": rejectsOfLines,
		"transactions": partRoutes(samples()[1]), "slow uploads": slowUploads, "syncs": syncs, "systems": systems, "connections": connections, "keys": keys, "sessions": sessions,
		"waiting uploads": waitingUploads, "readings": readingsOfUploads, "corrections": corrections,
		"overview": overview, "filters of jobs": filteredJobs, "account settings": accountSettings,
		"settings": settingsRoutes, "settings in orders": settingsInOrders, "settings remembered": settingsRemembered,
		"rows": rowsOfASource, "remaining rows": remainingRows,
	}
	var ran atomic.Int64
	t.Run("all", func(t *testing.T) {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				ran.Add(1)
				test(newBed(t, spec))
			})
		}
	})
	if int(ran.Load()) < len(tests) { // -run has chosen some of them
		return
	}
	_, answers := spec.described()
	for _, a := range answers {
		if !spec.seen[a] {
			t.Errorf("docs/openapi.yaml describes %s, which no test has seen", a)
		}
	}
}

func lists(b *bed) {
	t := b.t
	var want []string
	for range 5 {
		want = append(want, b.done("done", file("a.csv", february)))
	}
	b.must(202, "POST", "/v1/erasures", `{"selection":"manual-customers"}`)
	b.work()
	slices.Reverse(want)
	for _, size := range []int{1, 2, 5, 200} {
		var got []string
		for cursor := ""; ; {
			out := b.must(200, "GET", fmt.Sprintf("/v1/imports?per_page=%d&cursor=%s", size, cursor), "")
			got = append(got, column(t, out, "jobs", "id")...)
			if out["has_more"] != true {
				break
			}
			cursor = text(t, out, "cursor")
		}
		if !slices.Equal(got, want) {
			t.Errorf("by %d: %v, want %v", size, got, want)
		}
	}
	b.count(6, "/v1/jobs", "jobs")
	for _, path := range []string{"/v1/jobs", "/v1/imports"} {
		for _, query := range []string{"per_page=0", "per_page=x", "per_page=-1", "cursor=UPPER", "cursor=%2F", "cursor=" + strings.Repeat("1", 65)} {
			b.status(400, "GET", path+"?"+query, "")
		}
	}
	b.status(200, "GET", "/v1/data_sources", "")
	b.status(200, "GET", "/v1/data_sources/"+b.source, "")
}

// elsewhere: a file that is too large for the answer of a Lambda function is a redirect.
func elsewhere(b *bed) {
	t := b.t
	id := b.done("done", file("a.csv", march))
	b.link = "https://bucket.example/file?signature=x"
	for _, path := range []string{"/changes", "/changes?format=dynamodb-json", "/rejects"} {
		ans := b.do("GET", "/v1/imports/"+id+path, "")
		if ans.status != http.StatusSeeOther || ans.header.Get("Location") != b.link || ans.body != "" {
			t.Errorf("%s: %d %v %q", path, ans.status, ans.header, ans.body)
		}
	}
}

func tooLarge(b *bed) {
	t := b.t
	if ans := b.imported(file("a.csv", strings.Repeat("x", 1<<20))); ans.status != 413 {
		t.Errorf("a file: %d %s", ans.status, ans.body)
	}
	if ans := b.ordered(`{"objects":["` + strings.Repeat("x", httpapi.MaxBody) + `"]}`); ans.status != 413 {
		t.Errorf("an order: %d %s", ans.status, ans.body)
	}
	b.status(413, "POST", "/v1/erasures", `{"selection":"`+strings.Repeat("x", httpapi.MaxBody)+`"}`)
	b.count(0, "/v1/jobs", "jobs")
}

// everywhere makes a request to every described operation.
func everywhere(b *bed, do func(method, path string)) {
	operations, _ := b.spec.described()
	for path, methods := range operations {
		for _, m := range methods {
			id := b.source
			for list, prefix := range map[string]string{
				"/invoices/{": "inv_", "/line_items/{": "li_", "/transactions/{": "tr_", "/customers/{": "cus_", "/plans/{": "pl_",
			} {
				if strings.Contains(path, list) && !strings.Contains(path, "/data_sources/") {
					id = prefix + "00007024-aa6f-8c81-8b3d-8d293055fbfa"
				}
			}
			path := strings.NewReplacer("{uuid}", id, "{id}", strings.Repeat("0", 32), "{name}", "nobody").Replace(path)
			do(m, path+"?external_id=x&data_source_uuid="+b.source)
		}
	}
}

func noKey(b *bed) {
	t := b.t
	everywhere(b, func(method, path string) {
		r := b.request(method, path, "{}")
		r.SetBasicAuth("another", "")
		if ans := b.serve(r); ans.status != 401 || ans.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s %s: %d", method, path, ans.status)
		}
	})
}

// broken: when the table fails, the reason is in the log and not in the answers.
func broken(b *bed) {
	t := b.t
	if err := b.store.Close(); err != nil {
		t.Fatal(err)
	}
	b.billing.Fail(errors.New("closed"))
	everywhere(b, func(method, path string) {
		if path = strings.Replace(path, "/systems/nobody", "/systems/Ledgerly", 1); strings.HasPrefix(path, "/v1/systems?") { // nothing of it is stored
			return
		}
		if strings.HasSuffix(path, "/forgotten") {
			path += "?external_id=x"
		}
		const id = `"cus_00007024-aa6f-8c81-8b3d-8d293055fbfa"`
		body := `{"disabled":true,"status":"voided","from":{"customer_uuid":` + id + `},"into":{"customer_uuid":` + id + `},
			"customer_uuid":` + id + `,"data_source_uuid":"x","external_id":"x"}`
		if strings.HasPrefix(path, "/v1/erasures") {
			body = fmt.Sprintf(`{"selection":"source","id":%q}`, b.source)
		}
		if strings.HasPrefix(path, "/v1/exports") {
			body = `{"customer":` + id + `}`
		}
		if strings.HasPrefix(path, "/v1/keys") {
			body = `{"name":"x"}`
		}
		if strings.HasPrefix(path, "/v1/settings") {
			body = `{}`
		}
		if strings.HasPrefix(path, "/v1/systems/") {
			body = `{` + credentialsOf(ledgerSecret) + `}`
		}
		ans := b.do(method, path, body)
		if ans.status < 500 || strings.Contains(ans.body, "closed") {
			t.Errorf("%s %s: %d %s", method, path, ans.status, ans.body)
		}
	})
}
