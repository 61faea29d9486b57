package cloud_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"reseed/pkg/cloud"
	"reseed/pkg/fault"
)

// refusing answers every call with an error of AWS whose text tells more than anybody should read.
func refusing(t *testing.T, status int, code string) (url string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if target := r.Header.Get("X-Amz-Target"); target != "" {
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, `{"__type":"com.amazonaws#%s","message":"the-secret"}`, code)
			return
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "<Error><Code>"+code+"</Code><Message>the-secret</Message></Error>")
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// What a wrong setting causes says which table, bucket or queue is meant and what to do; wherever it comes up.
func TestWrongSettings(t *testing.T) { //nolint:paralleltest // the environment is everybody's
	for code, want := range map[string]struct {
		status int
		code   string
		say    []string
	}{
		"ResourceNotFoundException":   {400, "aws_missing", []string{"there is no ", " in eu-central-1", "check RESEED_"}},
		"NoSuchBucket":                {404, "aws_missing", []string{"there is no ", "check RESEED_"}},
		"AccessDeniedException":       {400, "aws_denied", []string{"no permission for ", " on ", "policy"}},
		"AccessDenied":                {403, "aws_denied", []string{"no permission for ", " on ", "policy"}},
		"ExpiredToken":                {400, "aws_credentials", []string{"have expired", "sign in again"}},
		"UnrecognizedClientException": {400, "aws_credentials", []string{"does not accept", "AWS_PROFILE"}},
		"InvalidAccessKeyId":          {403, "aws_credentials", []string{"does not accept", "AWS_PROFILE"}},
	} {
		url := refusing(t, want.status, code)
		t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
		c := open(t, url, url)
		_, table := c.Store("my-table").Directory(t.Context())
		objs, err := c.Objects(t.Context(), "my-bucket")
		if err != nil {
			t.Fatal(err)
		}
		_, listing := objs.Names(t.Context(), "uploads/")
		for name, err := range map[string]error{
			`table "my-table"`: table, `bucket "my-bucket"`: listing, `bucket "my-bucket" `: objs.Check(t.Context()),
			`bucket "my-bucket"  `: objs.Put(t.Context(), "k/secret-key", strings.NewReader("x")),
			`queue "my-queue"`:     cloud.Sender(c, url+"/1/my-queue", group)(t.Context(), message{1}),
		} {
			if !fault.Is(err, fault.Unavailable) || fault.CodeOf(err) != want.code {
				t.Errorf("%s, %s: %v (%s)", code, name, err, fault.CodeOf(err))
				continue
			}
			for _, say := range append(want.say, strings.TrimSpace(name)) {
				if !strings.Contains(err.Error(), say) {
					t.Errorf("%s, %s: does not say %q: %v", code, name, say, err)
				}
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: says too much: %v", code, err)
			}
		}
	}
}
