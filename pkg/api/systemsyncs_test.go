package api_test

import (
	"strings"
	"testing"

	"reseed/internal/systemtest"
)

// A billing system can be pulled for one customer, and what was read can be mapped anew; the account of a bed has nothing.
func TestSyncsOfASystem(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	at := "/v1/data_sources/" + b.source
	b.must(200, "PUT", at+"/connection", `{"system":"Ledgerly",`+credentialsOf(ledgerSecret)+`}`)
	b.status(409, "POST", at+"/syncs", `{"reprocess":true}`)
	b.status(422, "POST", at+"/syncs", `{"reprocess":true,"customer":"c1"}`)
	begun := b.must(202, "POST", at+"/syncs", `{"customer":"c1"}`)
	spec, _ := begun["import"].(object)
	if pull, _ := spec["pull"].(object); pull["system"] != systemtest.Name || pull["account"] != "Acme" || pull["customer"] != "c1" {
		t.Errorf("%v", begun)
	}
	b.work()
	got := b.do("GET", "/v1/imports/"+text(t, begun, "id"), "").body
	for _, want := range []string{`"status":"failed"`, `"error_code":"nothing_pulled"`, "The Ledgerly account Acme has nothing that can be imported. Nothing was changed."} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	b.status(409, "POST", at+"/syncs", `{"reprocess":true}`) // that pull read one customer alone
	withoutSecrets(b)
}
