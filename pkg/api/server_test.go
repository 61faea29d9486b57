package api_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"

	"reseed/pkg/api"
	"reseed/pkg/httpapi"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table/mem"
)

func TestEveryRouteTimesWrongMethod(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	a.fixed()
	all := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"}
	paths := api.OwnPaths()
	maps.Copy(paths, api.TheirPaths())
	for path, methods := range paths {
		path = strings.NewReplacer("{uuid}", "x", "{id}", "x").Replace(path)
		if slices.Contains(methods, "GET") {
			methods = append(methods, "HEAD")
		}
		slices.Sort(methods)
		for _, m := range all {
			ans := a.do(m, path, "")
			if slices.Contains(methods, m) {
				if ans.status == http.StatusMethodNotAllowed {
					t.Errorf("%s %s is not allowed", m, path)
				}
				continue
			}
			if ans.status != http.StatusMethodNotAllowed || ans.header.Get("Allow") != strings.Join(methods, ", ") {
				t.Errorf("%s %s: status %d, Allow %q, want 405 and %q", m, path, ans.status, ans.header.Get("Allow"), methods)
			}
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	a.fixed()
	const want = `{"code":401,"message":"No valid API key provided","param":null}`
	for _, path := range []string{"/v1/ping", "/v1/nothing", "/v1/customers", "/v1//x"} {
		for _, key := range []string{"", "wrong", testKey + "x", testKey[1:]} {
			r := a.request("GET", path, "")
			r.SetBasicAuth(key, testKey)
			if ans := a.serve(r); ans.status != 401 || ans.body != want {
				t.Errorf("key %q on %s: %d %s", key, path, ans.status, ans.body)
			}
		}
		r := a.request("DELETE", path, "")
		r.Header.Del("Authorization")
		if ans := a.serve(r); ans.status != 401 {
			t.Errorf("no key on %s: %d", path, ans.status)
		}
	}
	r := a.request("GET", "/v1/ping", "")
	r.SetBasicAuth("another", "whatever")
	if ans := a.serve(r); ans.status != 200 {
		t.Errorf("the other key: %d", ans.status)
	}
}

func TestLargeBodies(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	first, _ := a.fixed()
	c := a.customer(first, "c1", "")
	big := `{"name":"` + strings.Repeat("x", httpapi.MaxBody) + `"}`
	for _, path := range []string{
		"/v1/data_sources", "/v1/customers", "/v1/plans", "/v1/import/customers/" + c + "/invoices",
		"/v1/customers/" + c + "/attributes/tags", "/v1/customers/attributes/custom", "/v1/erasures",
	} {
		a.status(http.StatusRequestEntityTooLarge, "POST", path, big)
	}
	a.status(http.StatusBadRequest, "POST", "/v1/customers", strings.Repeat("[", 1<<20))
	a.status(http.StatusBadRequest, "POST", "/v1/customers", `{"a":`+strings.Repeat("[", 1<<20))
	a.status(http.StatusBadRequest, "POST", "/v1/customers", "{\"name\":\"\xff\"}")
	a.status(200, "GET", "/v1/customers", big) // the body of a GET is not even read
}

func TestABrokenHandlerSaysNothingAndLogsOnce(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	first, _ := a.fixed()
	a.keep = func(context.Context, store.Source, string, io.Reader) (job.File, error) {
		panic("secret value")
	}
	ans := a.upload(first, "", "a.csv")
	if ans.status != 500 || strings.Contains(ans.body, "secret") || !strings.Contains(ans.body, `"code":500`) {
		t.Errorf("%d %s", ans.status, ans.body)
	}
	if log := a.log.String(); strings.Count(log, "level=ERROR") != 1 || strings.Contains(log, "secret") {
		t.Errorf("log: %s", log)
	}
}

func TestAFaultBelowIsOursAndLoggedOnce(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	first, _ := a.fixed()
	if err := a.store.Close(); err != nil {
		t.Fatal(err)
	}
	ans := a.do("POST", "/v1/customers", fmt.Sprintf(`{"data_source_uuid":%q,"external_id":"personal"}`, first))
	if ans.status < 500 || !strings.Contains(ans.body, "Something went wrong on our side") {
		t.Errorf("%d %s", ans.status, ans.body)
	}
	if log := a.log.String(); strings.Count(log, "level=ERROR") != 1 || strings.Contains(log, "personal") {
		t.Errorf("log: %s", log)
	}
}

// upload posts files, each with a line of text.
func (a *service) upload(source, dataset string, names ...string) answer {
	a.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, n := range names {
		part, err := form.CreateFormFile("file", n)
		if err != nil {
			a.t.Fatal(err)
		}
		_, _ = part.Write([]byte("External ID\nc1\n"))
	}
	if dataset != "" {
		_ = form.WriteField("dataset", dataset)
	}
	_ = form.Close()
	r := a.request("POST", "/v1/data_sources/"+source+"/imports", body.String())
	r.Header.Set("Content-Type", form.FormDataContentType())
	return a.serve(r)
}

func TestUploads(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	first, _ := a.fixed()
	if ans := a.upload(first, "customers", "a.csv", "../../b.csv"); ans.status != http.StatusAccepted ||
		!strings.Contains(ans.body, `"files":[{"name":"a.csv","dataset":"customers","size":15},{"name":"b.csv","dataset":"customers","size":15}]`) {
		t.Errorf("%d %s", ans.status, ans.body)
	}
	a.count(1, "/v1/imports", "jobs")
	id := text(t, entries(t, a.must(200, "GET", "/v1/jobs", ""), "jobs")[0], "id")
	a.status(200, "GET", "/v1/imports/"+id, "")
	a.status(404, "GET", "/v1/erasures/"+id, "")
	a.status(404, "GET", "/v1/imports/"+id+"/rejects", "")
	for want, ans := range map[int]answer{
		400: a.upload(first, "customers"),
		404: a.upload("ds_nobody", "", "a.csv"),
		422: a.upload(first, "cats", "a.csv"),
	} {
		if ans.status != want {
			t.Errorf("status %d, want %d: %s", ans.status, want, ans.body)
		}
	}
	a.count(1, "/v1/imports", "jobs")
}

func TestBrokenUploads(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	first, _ := a.fixed()
	const head = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n"
	for body, want := range map[string]int{
		head + "External ID\nc1\n":                         400, // the form breaks off
		"nothing of the kind":                              400,
		head + strings.Repeat("x", 2<<20) + "\r\n--b--":    413,
		"--b\r\nContent-Disposition: form-data\r\n\r\n--b": 400,
	} {
		r := a.request("POST", "/v1/data_sources/"+first+"/imports", body)
		r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		if ans := a.serve(r); ans.status != want {
			t.Errorf("%.40q…: status %d, want %d: %s", body, ans.status, want, ans.body)
		}
	}
	a.count(0, "/v1/jobs", "jobs")
}

func TestHead(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	if ans := a.do("HEAD", "/v1/ping", ""); ans.status != 200 {
		t.Errorf("status %d", ans.status)
	}
}
