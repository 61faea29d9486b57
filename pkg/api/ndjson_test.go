package api_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"
)

// records imports NDJSON through the form and from the bucket, and imports the corrected rejects.
func records(b *bed) {
	t := b.t
	const lines = `{"external_id":"i1","dataset":"invoices","customer_external_id":"c1","date":"2026-01-01","currency":"EUR"}
{"external_id":"c1","name":"Ann"}
{"external_id":"c2","email":"nowhere"}
`
	id := b.done("done", part{"dataset", "", "customers"}, file("data.ndjson", lines))
	j := b.is(id, "done")
	if got := fmt.Sprint(j["datasets"]); got != "map[customers:map[added:1 changed:0 read:2 rejected:1 removed:0 unchanged:0] invoices:map[added:1 changed:0 read:1 rejected:0 removed:0 unchanged:0]]" {
		t.Errorf("datasets %s", got)
	}
	if spec, _ := j["import"].(map[string]any); fmt.Sprint(spec["origin"], " ", spec["by"], " ", spec["mode"])[:9] != "file key " || !strings.Contains(fmt.Sprint(spec["files"]), "datasets:[customers invoices]") {
		t.Errorf("%v", spec)
	}
	ans := b.do("GET", "/v1/imports/"+id+"/rejects", "")
	if ans.status != 200 || ans.header.Get("Content-Type") != "application/x-ndjson" || ans.header.Get("Content-Disposition") != `attachment; filename="`+id+`.rejects.ndjson"` ||
		ans.body != `{"external_id":"c2","email":"nowhere","_reject":{"file":"data.ndjson","line":3,"field":"email","code":"bad_email","reason":"email: This is not an e-mail address; write it like name@example.com."}}`+"\n" {
		t.Errorf("%v %s", ans.header, ans.body)
	}
	b.put("uploads/First/more.ndjson.gz", zipped(t, strings.ReplaceAll(ans.body, "nowhere", "a@example.com")))
	again := b.id(b.ordered(`{"objects":["uploads/First/more.ndjson.gz"],"dataset":"customers"}`))
	b.work()
	b.is(again, "done")
	b.count(2, "/v1/customers", "entries")
}

func zipped(tb testing.TB, text string) string {
	tb.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, err := z.Write([]byte(text))
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		tb.Fatal(err)
	}
	return out.String()
}
