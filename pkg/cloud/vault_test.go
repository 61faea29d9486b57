package cloud_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"reseed/internal/awsfake"
	"reseed/pkg/credentials"
	"reseed/pkg/credentials/credentialstest"
	"reseed/pkg/fault"
)

// vaultAt opens the vault of a Secrets Manager.
func vaultAt(t *testing.T, handler http.Handler) credentials.Vault {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", server.URL)
	return open(t, "", "").Vault("stack/sources")
}

func TestVault(t *testing.T) { //nolint:paralleltest // the environment is shared
	secrets := awsfake.NewSecrets(map[string]string{"reseed/google": "key"})
	v := vaultAt(t, secrets)
	credentialstest.Run(t, func() credentials.Vault { return v })
	for _, name := range secrets.Names() {
		if name != "reseed/google" && !strings.HasPrefix(name, "stack/sources/ds_") {
			t.Errorf("%s is none of our names", name)
		}
	}
}

func TestVaultFails(t *testing.T) { //nolint:paralleltest // the environment is shared
	v := vaultAt(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"__type":"InvalidRequestException","Message":"` + credentialstest.Secret + `"}`))
	}))
	const source = "ds_4d5f8a52-7f0b-11f0-9d3e-0242ac120002"
	_, err := v.Get(t.Context(), source)
	for _, err := range []error{err, v.Put(t.Context(), source, map[string]string{"key": "x"}), v.Delete(t.Context(), source)} {
		if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "InvalidRequestException") || strings.Contains(err.Error(), credentialstest.Secret) {
			t.Error(err)
		}
	}
}

func TestVaultPutMeetsAnotherOne(t *testing.T) { //nolint:paralleltest // the environment is shared
	secrets, first := awsfake.NewSecrets(nil), true
	const source = "ds_4d5f8a52-7f0b-11f0-9d3e-0242ac120002"
	var v credentials.Vault
	v = vaultAt(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "CreateSecret") && first {
			first = false
			if err := v.Put(r.Context(), source, map[string]string{"key": "theirs"}); err != nil {
				t.Error(err)
			}
		}
		secrets.ServeHTTP(w, r)
	}))
	if err := v.Put(t.Context(), source, map[string]string{"key": "ours"}); err != nil {
		t.Fatal(err)
	}
	if got, err := v.Get(t.Context(), source); got["key"] != "ours" || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}
