package api_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"reseed/pkg/httpapi"
	"reseed/pkg/store"
	"reseed/pkg/table/mem"
)

// keys gets every answer of the routes of API keys.
func keys(b *bed) {
	made := b.must(201, "POST", "/v1/keys", `{"name":"Nightly import"}`)
	b.must(422, "POST", "/v1/keys", `{"name":"nightly IMPORT"}`)
	b.must(422, "POST", "/v1/keys", `{"name":"x","scopes":["read"]}`)
	b.must(400, "POST", "/v1/keys", `{}`)
	b.status(413, "POST", "/v1/keys", `{"name":"`+strings.Repeat("x", httpapi.MaxBody)+`"}`)
	b.count(2, "/v1/keys", "keys")
	list := b.must(200, "GET", "/v1/keys", "")
	if s := fmt.Sprint(list); strings.Contains(s, text(b.t, made, "key")) || !strings.Contains(s, "Nightly import") {
		b.t.Errorf("list: %s", s)
	}
	of := func(method, path, key string) answer {
		r := b.request(method, path, "")
		r.SetBasicAuth(key, "")
		return b.serve(r)
	}
	if ans := of("DELETE", "/v1/keys/nightly%20import", text(b.t, made, "key")); ans.status != 409 || !strings.Contains(ans.body, "that very key") {
		b.t.Errorf("one's own key: %d %s", ans.status, ans.body)
	}
	setting := text(b.t, entries(b.t, list, "keys")[0], "name")
	if ans := of("DELETE", "/v1/keys/"+strings.ReplaceAll(setting, " ", "%20"), text(b.t, made, "key")); ans.status != 409 || !strings.Contains(ans.body, "settings") {
		b.t.Errorf("a setting: %d %s", ans.status, ans.body)
	}
	if out := b.must(200, "DELETE", "/v1/keys/nightly%20IMPORT", ""); out["removed"] != "Nightly import" || out["left"] != 1.0 {
		b.t.Errorf("removed: %v", out)
	}
	if ans := of("GET", "/v1/ping", text(b.t, made, "key")); ans.status != 401 {
		b.t.Errorf("a removed key: %d %s", ans.status, ans.body)
	}
	b.must(404, "DELETE", "/v1/keys/Nightly%20import", "")
}

func TestNamesOfKeys(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	for _, name := range []string{
		"", " ", "two\\nlines", "\\u001b[31mred", "\\u202eright to left", "a/b", "..", "key 1a2b3c4d", "KEY 1A2B3C4D", "The Reseed Command", strings.Repeat("x", 65),
	} {
		a.must(422, "POST", "/v1/keys", `{"name":"`+name+`"}`)
	}
	for _, name := range []string{"a%2Fb?c#d", "Henry’s laptop", strings.Repeat("ä", 64)} {
		a.must(201, "POST", "/v1/keys", fmt.Sprintf(`{"name":%q}`, name))
	}
	a.must(200, "DELETE", "/v1/keys/a%252Fb%3Fc%23d", "")
	a.must(200, "DELETE", "/v1/keys/Henry%E2%80%99s%20laptop", "")
	a.must(200, "DELETE", "/v1/keys/"+strings.Repeat("%C3%A4", 64), "")
}

func TestThereIsAMostOfKeys(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	for n := range 100 - 2 { // two keys are there already
		a.must(201, "POST", "/v1/keys", fmt.Sprintf(`{"name":"n%d"}`, n))
	}
	a.must(422, "POST", "/v1/keys", `{"name":"one more"}`)
	a.must(200, "DELETE", "/v1/keys/n7", "")
	a.must(201, "POST", "/v1/keys", `{"name":"one more"}`)
}

// TestWhoDidIt: edits and receipts name the key of the request as the author, or the beginning of
// its hash if it has no name.
func TestWhoDidIt(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	b.done("done", file("customers.csv", february))
	key := text(t, b.must(201, "POST", "/v1/keys", `{"name":"Ann"}`), "key")
	as := func(method, path, body string) answer {
		r := b.request(method, path, body)
		r.SetBasicAuth(key, "")
		return b.serve(r)
	}
	id := text(t, entries(t, b.must(200, "GET", "/v1/customers?external_id=c1", ""), "entries")[0], "uuid")
	if ans := as("PATCH", "/v1/customers/"+id, `{"city":"Graz"}`); ans.status != 200 {
		t.Fatalf("%d %s", ans.status, ans.body)
	}
	if got := text(t, b.must(200, "GET", "/v1/edits/"+id, ""), "author"); got != "Ann" {
		t.Errorf("the edit is %s's", got)
	}
	ans := as("POST", "/v1/erasures", `{"selection":"source","id":"`+b.source+`"}`)
	if ans.status != 202 || !strings.Contains(ans.body, `"by":"Ann"`) {
		t.Fatalf("%d %s", ans.status, ans.body)
	}
	b.work()
	list := b.must(200, "GET", "/v1/receipts", "")
	if s := fmt.Sprint(list); !strings.Contains(s, "asked_by:Ann") {
		t.Errorf("receipts: %s", s)
	}
}

// TestKeysOfOtherProcesses: keys that another process adds or removes count after a moment; keys
// that this one does, at once.
func TestKeysOfOtherProcesses(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	ping := func(key string) int {
		r := a.request("GET", "/v1/ping", "")
		r.SetBasicAuth(key, "")
		return a.serve(r).status
	}
	if ping("theirs") != 401 {
		t.Fatal("an unknown key is let in")
	}
	made := store.APIKey{Name: "theirs", Hash: httpapi.HashKey("theirs"), At: clock()}
	if err := a.store.AddAPIKey(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	a.wait(2 * time.Second)
	if ping("theirs") != 200 {
		t.Error("a key of another process is not let in")
	}
	spent := a.store.Spent()
	for range 100 {
		ping("theirs")
		ping(testKey)
	}
	if a.store.Spent() != spent {
		t.Error("every request reads the keys")
	}
	if err := a.store.RemoveAPIKey(t.Context(), "theirs"); err != nil {
		t.Fatal(err)
	}
	a.wait(2 * time.Second)
	if ping("theirs") != 401 {
		t.Error("a key that another process has removed is let in")
	}
}

// TestARemovalIsNotOvertaken: a read of the table that began before a key was removed does not
// bring the key back.
func TestARemovalIsNotOvertaken(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	key := text(t, a.must(201, "POST", "/v1/keys", `{"name":"Ann"}`), "key")
	ping := func() int {
		r := a.request("GET", "/v1/ping", "")
		r.SetBasicAuth(key, "")
		return a.serve(r).status
	}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					a.wait(time.Second)
					ping()
				}
			}
		})
	}
	a.must(200, "DELETE", "/v1/keys/Ann", "")
	for range 100 {
		if ping() != 401 {
			t.Fatal("the key is back")
		}
	}
	close(stop)
	wg.Wait()
}

// TestAKeyThatCannotBeLookedUp: without its table the server can't say that a key is wrong.
func TestAKeyThatCannotBeLookedUp(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	if err := a.store.Close(); err != nil {
		t.Fatal(err)
	}
	r := a.request("GET", "/v1/ping", "")
	r.SetBasicAuth("some key", "")
	if ans := a.serve(r); ans.status < 500 {
		t.Errorf("%d %s", ans.status, ans.body)
	}
	a.status(200, "GET", "/v1/ping", "") // the key from the settings
}

// TestBodiesInFlight: a request whose body has no room waits a while, and is then answered with
// 503; other requests are served.
func TestBodiesInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(t, mem.Options{})
		a.fixed()
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 4 {
			r := a.request("POST", "/v1/customers", "")
			r = r.WithContext(ctx)
			r.Body, r.ContentLength = silent{ctx}, httpapi.MaxBody
			wg.Go(func() { a.handlerOnly(r) })
		}
		synctest.Wait()
		a.status(400, "POST", "/v1/customers", "{}") // a small one needs no room
		large := `{"name":"` + strings.Repeat("x", 20<<10) + `"}`
		began := time.Now()
		ans := a.do("POST", "/v1/customers", large)
		if ans.status != 503 || ans.header.Get("Retry-After") == "" || time.Since(began) < time.Second {
			t.Errorf("%d %v %s after %v", ans.status, ans.header, ans.body, time.Since(began))
		}
		a.status(200, "GET", "/v1/customers", "")
		stop()
		wg.Wait()
		a.status(400, "POST", "/v1/customers", large)
	})
}

// silent is a body that never has a byte.
type silent struct{ ctx context.Context }

func (s silent) Read([]byte) (int, error) { <-s.ctx.Done(); return 0, s.ctx.Err() }
func (s silent) Close() error             { return nil }

// handlerOnly serves a request whose answer does not matter.
func (a *service) handlerOnly(r *http.Request) { a.serve(r) }
