package lambdatest_test

import (
	"slices"
	"strings"
	"testing"

	"reseed/internal/stripetest"
)

// The API has credentials checked and kept by the function that alone may read them; the one that sweeps a source deletes them.
func TestABillingSystemIsConnected(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	call := func(method, path, body string, want int) string {
		t.Helper()
		status, text := b.Call(t, method, path, "application/json", []byte(body))
		if status != want || strings.Contains(text, stripetest.Key) {
			t.Fatalf("%s %s: %d %s", method, path, status, text)
		}
		return text
	}
	uuids := map[string]string{}
	for _, name := range []string{"Stripe EU", "Bystander"} {
		text := call("POST", "/v1/data_sources", `{"name":"`+name+`"}`, 201)
		_, rest, _ := strings.Cut(text, `"uuid":"`)
		uuids[name], _, _ = strings.Cut(rest, `"`)
	}
	at := func(name string) string { return "/v1/data_sources/" + uuids[name] + "/connection" }
	good := `{"system":"Stripe","credentials":{"key":"` + stripetest.Key + `"}}`
	if said := call("POST", "/v1/systems/Stripe/check", `{"credentials":{"key":"`+stripetest.Key+`"}}`, 200); !strings.Contains(said, "acct_1World") {
		t.Error(said)
	}
	if said := call("PUT", at("Stripe EU"), `{"system":"Stripe","credentials":{"key":"rk_test_other"}}`, 422); !strings.Contains(said, "it refuses the key") {
		t.Error(said)
	}
	call("PUT", at("Stripe EU"), good, 200)
	call("PUT", at("Bystander"), good, 200)
	call("POST", at("Stripe EU")+"/check", "", 200)
	secret := func(name string) string { return "stack/sources/" + uuids[name] }
	if names := b.Secrets.Names(); len(names) != 3 || !slices.Contains(names, secret("Stripe EU")) {
		t.Errorf("%v", names)
	}
	b.Stripe.Deny("/v1/invoices", "rak_invoice_read")
	if said := call("POST", at("Bystander")+"/check", "", 422); !strings.Contains(said, "rak_invoice_read") {
		t.Error(said)
	}
	if said := call("GET", at("Bystander"), "", 200); !strings.Contains(said, `"refused":"`) {
		t.Error(said)
	}
	call("POST", "/v1/erasures", `{"selection":"source","id":"`+uuids["Stripe EU"]+`"}`, 202)
	b.Work(t)
	if names := b.Secrets.Names(); len(names) != 2 || !slices.Contains(names, secret("Bystander")) {
		t.Errorf("after an erase: %v", names)
	}
	for name, f := range b.Functions {
		if strings.Contains(f.Output(), stripetest.Key) {
			t.Errorf("the log of %s holds the key", name)
		}
	}
}
