package api_test

import (
	"net/http"

	"reseed/pkg/httpapi"
)

// sessions gets every answer of the routes of sessions. Package console tests what they are for.
func sessions(b *bed) {
	one, two := b.must(201, http.MethodPost, "/v1/sessions", ""), b.must(201, http.MethodPost, "/v1/sessions", "")
	of := func(session map[string]any, method, path string) int {
		r := b.request(method, path, "")
		r.SetBasicAuth(text(b.t, session, "token"), "")
		return b.serve(r).status
	}
	if got := of(one, http.MethodGet, "/v1/ping"); got != 200 {
		b.t.Errorf("a session: %d", got)
	}
	b.must(400, http.MethodDelete, "/v1/sessions?which=those", "")
	if got := of(one, http.MethodDelete, "/v1/sessions?which=this"); got != 204 {
		b.t.Errorf("ending a session: %d", got)
	}
	if gone, left := of(one, http.MethodGet, "/v1/ping"), of(two, http.MethodGet, "/v1/ping"); gone != 401 || left != 200 {
		b.t.Errorf("the ended session: %d, the other one: %d", gone, left)
	}
	b.status(204, http.MethodDelete, "/v1/sessions", "")
	if got := of(two, http.MethodGet, "/v1/ping"); got != 401 {
		b.t.Errorf("a session after all were ended: %d", got)
	}
	for _, token := range []string{"session-", "session-00.x", "session-" + httpapi.NewKey() + ".x", "session-6b0f4f207adede8a50e468bae3378523.wrong"} {
		if got := of(map[string]any{"token": token}, http.MethodGet, "/v1/ping"); got != 401 {
			b.t.Errorf("%s: %d", token, got)
		}
	}
}
