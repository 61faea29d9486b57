package chargifytest_test

import (
	"encoding/base64"
	"testing"

	"reseed/internal/chargifytest"
)

// The judge refuses what Maxio's client does not know: of requests and of answers.
func TestJudge(t *testing.T) {
	t.Parallel()
	j := chargifytest.StartJudge(t)
	const host = "world.chargify.com"
	auth := "Basic " + base64.StdEncoding.EncodeToString([]byte(chargifytest.Key+":x"))
	for name, tt := range map[string]struct {
		path   string
		status int
		answer string
		good   bool
	}{
		"good":               {"/customers.json?page=1&per_page=200&direction=asc", 200, `[{"customer":{"id":5}}]`, true},
		"refused":            {"/customers.json?page=1", 401, "HTTP Basic: Access denied.", true},
		"unknown parameter":  {"/customers.json?page=1&bogus=1", 200, `[]`, false},
		"bad word":           {"/customers.json?direction=up", 200, `[]`, false},
		"unknown path":       {"/payments.json", 200, `[]`, false},
		"unknown field":      {"/customers.json", 200, `[{"customer":{"id":5,"hair_colour":"red"}}]`, false},
		"bad type":           {"/invoices.json?page=1", 200, `{"invoices":[{"uid":7}]}`, false},
		"bad status":         {"/invoices.json?page=1", 200, `{"invoices":[{"uid":"inv_1","status":"settled"}]}`, false},
		"no list":            {"/invoices.json?page=1", 200, `[]`, false},
		"bad event":          {"/invoices/events.json?page=1", 200, `{"events":[{"id":1,"timestamp":"","invoice":{},"event_type":"failed_payment","event_data":{}}]}`, false},
		"success that is no": {"/customers.json?page=1", 403, `[]`, true},
	} {
		if err := j.Judge(host, tt.path, auth, tt.status, tt.answer); (err == nil) != tt.good {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := j.Judge(host, "/site.json", "Bearer x", 200, `{"site":{"id":1}}`); err == nil {
		t.Error("any authorization will do")
	}
}
