package store_test

import (
	"crypto/sha256"
	"sync/atomic"
	"testing"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table/mem"
)

// Somebody signs in, and the answer of the table is lost after everything was stored: the link is not
// taken for one that was used before. A second use of it is, and another session stays.
func TestALostAnswerSignsInAllTheSame(t *testing.T) {
	t.Parallel()
	var lose atomic.Bool
	st := store.New(mem.New(mem.Options{After: func(op mem.Op, _ int) error {
		if (op == mem.Transact || op == mem.Write) && lose.CompareAndSwap(true, false) {
			return fault.New(fault.Busy, "lost", "the answer was lost")
		}
		return nil
	}}))
	session := func(id string, once bool) store.Session {
		return store.Session{ID: id, Secret: sha256.Sum256([]byte(id)), Key: sha256.Sum256([]byte("key")), At: time.UnixMilli(1), Expires: time.UnixMilli(2), Once: once}
	}
	for _, n := range []store.Session{session("bystander", false), session("link", true)} {
		lose.Store(true)
		if err := st.AddSession(t.Context(), n); err != nil {
			t.Fatalf("%s: %v", n.ID, err)
		}
	}
	lose.Store(true)
	if err := st.ExchangeSession(t.Context(), "link", session("browser", false)); err != nil {
		t.Errorf("the link: %v", err)
	}
	if err := st.ExchangeSession(t.Context(), "link", session("thief", false)); !fault.Is(err, fault.Conflict) {
		t.Errorf("the link again: %v", err)
	}
	all, err := st.Sessions(t.Context())
	if err != nil || len(all) != 2 {
		t.Errorf("%d sessions, %v", len(all), err)
	}
}
