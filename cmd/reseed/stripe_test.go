package main

import (
	"net/http/httptest"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"reseed/internal/stripetest"
	"reseed/internal/systemtest"
)

// stripes are the worlds of Stripe that scripts have started, by their working folders.
var stripes sync.Map

// stripeStandIn runs a stand-in for Stripe, or changes it:
//
//	stripe start             with an account of the key $STRIPE_KEY
//	stripe deny PATH NAME    the key lacks a permission
//	stripe allow
//	stripe revoke            the key is refused
func stripeStandIn(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: stripe start|deny PATH NAME|allow|revoke")
	}
	if args[0] == "start" || args[0] == "allow" {
		startStripe(ts)
		return
	}
	found, ok := stripes.Load(ts.MkAbs("."))
	if !ok {
		ts.Fatalf("stripe start comes first")
	}
	w, _ := found.(*stripetest.World)
	switch {
	case args[0] == "deny" && len(args) == 3:
		w.Deny(args[1], args[2])
	case args[0] == "revoke":
		w.Revoke()
	default:
		ts.Fatalf("there is no stripe %q", args)
	}
}

func startStripe(ts *testscript.TestScript) {
	w, err := stripetest.New(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))
	ts.Check(err)
	s := httptest.NewServer(systemtest.Handler(w))
	ts.Defer(s.Close)
	ts.Setenv("RESEED_STRIPE_URL", s.URL)
	ts.Setenv("STRIPE_KEY", stripetest.Key)
	stripes.Store(ts.MkAbs("."), w)
}
