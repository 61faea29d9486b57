package cloud_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"reseed/pkg/app"
	"reseed/pkg/cloud"
	"reseed/pkg/credentials/credentialstest"
	"reseed/pkg/fault"
	"reseed/pkg/puller"
	"reseed/pkg/source/system"
)

// lambdaAt has a Lambda that answers each call of the function pull.
func lambdaAt(t *testing.T, answers func(w http.ResponseWriter, event []byte)) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodPost || r.URL.Path != "/2015-03-31/functions/stack-pull/invocations" || r.Header.Get("X-Amz-Invocation-Type") == "Event" {
			t.Errorf("%s %s", r.Method, r.URL.Path)
		}
		answers(w, event)
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_LAMBDA", server.URL)
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	open(t, "", "")
}

func order() puller.Order {
	return puller.Order{Do: puller.ToConnect, Source: "ds_1", Connection: puller.Connection{System: "Stripe", Credentials: map[string]string{"key": credentialstest.Secret}}}
}

func TestOrders(t *testing.T) { //nolint:paralleltest // the environment is shared
	account := system.Account{ID: "acct_1", Name: "Acme", Live: true}
	var problem error
	lambdaAt(t, func(w http.ResponseWriter, event []byte) {
		var in app.PullInvocation
		d := json.NewDecoder(strings.NewReader(string(event)))
		d.DisallowUnknownFields()
		if err := d.Decode(&in); err != nil || in.Order == nil || in.Order.Connection.Credentials["key"] != credentialstest.Secret || in.Order.Source != "ds_1" {
			t.Errorf("%s, %v", event, err)
		}
		out := puller.OutcomeOf(account, problem)
		_ = json.NewEncoder(w).Encode(app.Begun{Outcome: &out})
	})
	if got, err := cloud.Orders("stack-pull")(t.Context(), order()); got != account || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	problem = &fault.Error{Kind: fault.Invalid, Code: "credential_missing", Param: "key", Message: "Stripe needs it."}
	_, err := cloud.Orders("stack-pull")(t.Context(), order())
	if e, ok := err.(*fault.Error); !ok || *e != *problem.(*fault.Error) { //nolint:errorlint,forcetypeassert // exactly this one
		t.Errorf("%#v", err)
	}
}

func TestOrdersFail(t *testing.T) { //nolint:paralleltest // the environment is shared
	answers := map[string]func(w http.ResponseWriter){
		"the function failed": func(w http.ResponseWriter) {
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
			_, _ = io.WriteString(w, `{"errorMessage":"`+credentialstest.Secret+`"}`)
		},
		"no answer": func(w http.ResponseWriter) { _, _ = io.WriteString(w, `null`) },
		"denied": func(w http.ResponseWriter) {
			w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"Message":"`+credentialstest.Secret+`"}`)
		},
	}
	for name, answer := range answers {
		lambdaAt(t, func(w http.ResponseWriter, _ []byte) { answer(w) })
		_, err := cloud.Orders("stack-pull")(t.Context(), order())
		if !fault.Is(err, fault.Unavailable) || strings.Contains(err.Error(), credentialstest.Secret) {
			t.Errorf("%s: %v", name, err)
		}
		if name == "denied" && !strings.Contains(err.Error(), "AccessDeniedException") {
			t.Error(err)
		}
	}
	if _, err := cloud.Orders("")(t.Context(), order()); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "RESEED_PULL_FUNCTION") {
		t.Error(err)
	}
}
