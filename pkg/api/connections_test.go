package api_test

import (
	"strings"
	"testing"

	"reseed/internal/systemtest"
	"reseed/pkg/fault"
	"reseed/pkg/httpapi"
	"reseed/pkg/source/system"
)

// Secrets of accounts of the billing system of a bed. No answer and no log may hold them.
const (
	ledgerSecret, ledgerSecret2, otherSecret = "s3cret-one", "s3cret-two", "s3cret-of-another-account"
)

func ledgerly() *systemtest.Ledgerly {
	a := system.Account{ID: "acct_1", Name: "Acme"}
	return systemtest.New(map[string]system.Account{ledgerSecret: a, ledgerSecret2: a, otherSecret: {ID: "acct_2", Live: true}})
}

// credentialsOf is the member credentials with a secret.
func credentialsOf(secret string) string {
	return `"credentials":{"user":"ann","secret":"` + secret + `"}`
}

func systems(b *bed) {
	t := b.t
	list := b.must(200, "GET", "/v1/systems", "")
	if s := entries(t, list, "systems"); len(s) != 1 || s[0]["name"] != systemtest.Name || len(entries(t, s[0], "asks")) != 2 {
		t.Errorf("%v", list)
	}
	b.status(405, "POST", "/v1/systems", "")
	const at = "/v1/systems/LEDGERLY/check"
	account := b.must(200, "POST", at, `{`+credentialsOf(ledgerSecret)+`,"place":"EU","subscriptions":["I-1"]}`)
	if a, _ := account["account"].(object); a["id"] != "acct_1" || a["live"] != false {
		t.Errorf("%v", account)
	}
	for _, wrong := range []string{
		`{}`, `{"credentials":"x"}`, `{"credentials":{"user":{}}}`, `{"credentials":{"user":"ann"}}`, `{` + credentialsOf(ledgerSecret) + `,"place":"Mars"}`, `{` + credentialsOf("s3cret-unknown") + `}`,
		`{` + credentialsOf(ledgerSecret) + `,"system":"x"}`, `{` + credentialsOf(strings.Repeat("s", 5000)) + `}`, `{` + credentialsOf(ledgerSecret) + `,"subscriptions":"x"}`,
	} {
		b.status(422, "POST", at, wrong)
	}
	b.status(400, "POST", at, `[]`)
	b.status(413, "POST", at, `{"place":"`+strings.Repeat("x", httpapi.MaxBody)+`"}`)
	b.status(404, "POST", "/v1/systems/Nothing/check", `{`+credentialsOf(ledgerSecret)+`}`)
	b.billing.Fail(fault.New(fault.Unavailable, "system_unreachable", "Ledgerly cannot be reached."))
	b.status(409, "POST", at, `{`+credentialsOf(ledgerSecret)+`}`)
	b.status(405, "GET", at, "")
	withoutSecrets(b)
}

func connections(b *bed) {
	at := "/v1/data_sources/" + b.source + "/connection"
	nowhere := "/v1/data_sources/ds_fef05d54-47b4-431b-aed2-eb6b9e545430/connection"
	for method, path := range map[string]string{"GET": at, "PATCH": at, "POST": at + "/check", "DELETE": at} {
		b.status(409, method, path, `{}`)
	}
	for _, wrong := range []string{
		`{` + credentialsOf(ledgerSecret) + `}`, `{"system":"Ledgerly"}`, `{"system":"Nothing",` + credentialsOf(ledgerSecret) + `}`, `{"system":"Ledgerly",` + credentialsOf("s3cret-unknown") + `}`,
		`{"system":"Ledgerly",` + credentialsOf(ledgerSecret) + `,"settings":{"invoices":"all"}}`, `{"system":"Ledgerly",` + credentialsOf(ledgerSecret) + `,"settings":{"metered":true}}`,
		`{"system":"Ledgerly",` + credentialsOf(ledgerSecret) + `,"settings":{"metred":true}}`, `{"system":"Ledgerly",` + credentialsOf(ledgerSecret) + `,"settings":{"metered":7}}`,
		`{"system":"Ledgerly",` + credentialsOf(ledgerSecret) + `,"subscriptions":["a b"]}`,
	} {
		b.status(422, "PUT", at, wrong)
	}
	b.status(400, "PUT", at, `[]`)
	b.status(413, "PUT", at, `{"place":"`+strings.Repeat("x", httpapi.MaxBody)+`"}`)
	b.status(409, "GET", at, "") // nothing of that was kept
	connectedAndChanged(b, at)
	refusedCredentials(b, at)
	for method, path := range map[string]string{"GET": nowhere, "PUT": nowhere, "PATCH": nowhere, "DELETE": nowhere, "POST": nowhere + "/check"} {
		b.status(404, method, path, `{"system":"Ledgerly",`+credentialsOf(ledgerSecret)+`}`)
	}
	b.status(405, "POST", at, "")
	disconnected(b, at)
	withoutSecrets(b)
}

// connectedAndChanged: a source is connected, gets other settings, and new credentials.
func connectedAndChanged(b *bed, at string) {
	t := b.t
	made := b.must(200, "PUT", at, `{"system":"ledgerly",`+credentialsOf(ledgerSecret)+`,"settings":{"invoices":"issued"},"subscriptions":["I-1"]}`)
	settings, _ := made["settings"].(object)
	if a, _ := made["account"].(object); a["name"] != "Acme" || made["system"] != systemtest.Name || made["place"] != "US" || settings["invoices"] != "issued" || settings["without_voided"] != false || made["refused"] != nil {
		t.Errorf("%v", made)
	}
	b.status(409, "PUT", at, `{"system":"Ledgerly",`+credentialsOf(otherSecret)+`}`)
	changed := b.must(200, "PATCH", at, `{"settings":{"without_voided":true},"subscriptions":[]}`)
	if settings, _ = changed["settings"].(object); settings["invoices"] != "issued" || settings["without_voided"] != true || changed["subscriptions"] != nil {
		t.Errorf("%v", changed)
	}
	for _, wrong := range []string{`{"settings":{"metered":true}}`, `{"credentials":{}}`, `{"settings":7}`, `{"subscriptions":["` + strings.Repeat("x", 65) + `"]}`} {
		b.status(422, "PATCH", at, wrong)
	}
	b.status(400, "PATCH", at, `[]`)
	b.status(413, "PATCH", at, `{"place":"`+strings.Repeat("x", httpapi.MaxBody)+`"}`)
	again := b.must(200, "PUT", at, `{"system":"Ledgerly",`+credentialsOf(ledgerSecret2)+`,"settings":{"deleted_customers":true}}`)
	if settings, _ = again["settings"].(object); settings["invoices"] != "issued" || settings["without_voided"] != true || settings["deleted_customers"] != true {
		t.Errorf("new credentials change settings: %v", again)
	}
}

// refusedCredentials: a source says that its credentials are refused, wherever it is shown, until it has others.
func refusedCredentials(b *bed, at string) {
	t := b.t
	b.must(200, "POST", at+"/check", "")
	b.status(422, "POST", at+"/check", `{"credentials":{}}`)
	b.status(400, "POST", at+"/check", `[]`)
	b.status(413, "POST", at+"/check", `{"x":"`+strings.Repeat("x", httpapi.MaxBody)+`"}`)
	b.billing.Revoke(ledgerSecret2)
	b.status(422, "POST", at+"/check", "")
	const why = "refuses the key"
	shown := map[string]string{
		"connection": b.do("GET", at, "").body, "syncs": b.do("GET", strings.TrimSuffix(at, "connection")+"syncs", "").body, "overview": b.do("GET", "/v1/overview", "").body,
	}
	for where, body := range shown {
		if !strings.Contains(body, why) || !strings.Contains(body, "acct_1") {
			t.Errorf("%s: %s", where, body)
		}
	}
	now := b.must(200, "PUT", at, `{"system":"Ledgerly",`+credentialsOf(ledgerSecret)+`}`)
	if now["refused"] != nil || now["refused_at"] != nil {
		t.Errorf("%v", now)
	}
	b.must(200, "GET", strings.TrimSuffix(at, "connection")+"syncs", "")
	b.must(200, "GET", "/v1/overview", "")
}

// disconnected: the credentials of a source are taken away; it says so wherever it is shown, and is connected again with the same account.
func disconnected(b *bed, at string) {
	t := b.t
	syncs := strings.TrimSuffix(at, "connection") + "syncs"
	for range 2 {
		now := b.must(200, "DELETE", at, "")
		if why, _ := now["refused"].(string); now["disconnected"] != true || !strings.Contains(why, "taken away") {
			t.Errorf("%v", now)
		}
	}
	for where, body := range map[string]string{"syncs": b.do("GET", syncs, "").body, "overview": b.do("GET", "/v1/overview", "").body} {
		if !strings.Contains(body, `"disconnected":true`) {
			t.Errorf("%s: %s", where, body)
		}
	}
	b.status(422, "POST", at+"/check", "")
	b.status(409, "POST", syncs, `{}`)
	b.status(409, "PUT", at, `{"system":"Ledgerly",`+credentialsOf(otherSecret)+`}`)
	if now := b.must(200, "PUT", at, `{"system":"Ledgerly",`+credentialsOf(ledgerSecret)+`}`); now["disconnected"] != nil || now["refused"] != nil {
		t.Errorf("%v", now)
	}
}

// withoutSecrets checks that no secret is in the log.
func withoutSecrets(b *bed) {
	b.t.Helper()
	if strings.Contains(b.log.String(), "s3cret") {
		b.t.Errorf("the log holds a secret:\n%s", b.log.String())
	}
}

// The answer to a request holds nothing of its credentials, whatever is wrong with them.
func TestNoAnswerRepeatsCredentials(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	for _, body := range []string{
		`{"system":"Ledgerly",` + credentialsOf("s3cret-unknown") + `}`, `{"system":"Ledgerly","credentials":{"user":"s3cret x","secret":"s3cret"}}`, `{"system":"Ledgerly","credentials":{"user":["s3cret"],"secret":"s3cret"}}`,
		`{"system":"Ledgerly","credentials":"s3cret"}`, `{"system":"Ledgerly","credentials":{"user":"ann","secret":"s3cret"`, `{"system":"Ledgerly",` + credentialsOf(ledgerSecret) + `}`,
	} {
		ans := b.do("PUT", "/v1/data_sources/"+b.source+"/connection", body)
		if strings.Contains(ans.body, "s3cret") || ans.status >= 500 {
			t.Errorf("%s: %d %s", body, ans.status, ans.body)
		}
	}
	withoutSecrets(b)
}
