package fault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"reseed/pkg/fault"
)

func TestKindOf(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err  error
		kind fault.Kind
		code string
	}{
		"nil":             {nil, fault.Internal, ""},
		"unknown":         {io.EOF, fault.Internal, ""},
		"cancelled":       {context.Canceled, fault.Unavailable, ""},
		"deadline":        {fmt.Errorf("read: %w", context.DeadlineExceeded), fault.Unavailable, ""},
		"new":             {fault.New(fault.NotFound, "no_customer", "no such customer"), fault.NotFound, "no_customer"},
		"formatted":       {fault.Newf(fault.TooLarge, "too_long", "more than %d", 5), fault.TooLarge, "too_long"},
		"wrapped by fmt":  {fmt.Errorf("x: %w", fault.New(fault.Busy, "busy", "later")), fault.Busy, "busy"},
		"outermost wins":  {fault.Wrap(fault.New(fault.Invalid, "in", "in"), fault.Conflict, "out", "out"), fault.Conflict, "out"},
		"wraps a context": {fault.Wrap(context.Canceled, fault.Invalid, "c", "m"), fault.Invalid, "c"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := fault.KindOf(tt.err); got != tt.kind {
				t.Errorf("KindOf = %v, want %v", got, tt.kind)
			}
			for k := fault.Internal; k <= fault.Unavailable; k++ {
				if got, want := fault.Is(tt.err, k), tt.err != nil && k == tt.kind; got != want {
					t.Errorf("Is(%v) = %v, want %v", k, got, want)
				}
			}
			if got := fault.CodeOf(tt.err); got != tt.code {
				t.Errorf("CodeOf = %q, want %q", got, tt.code)
			}
		})
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	if got := fault.Newf(fault.Invalid, "c", "at most %d", 3).Error(); got != "at most 3" {
		t.Errorf("Newf: %q", got)
	}
	err := fault.Wrap(io.ErrUnexpectedEOF, fault.Unavailable, "c", "cannot read")
	if got := err.Error(); got != "cannot read: unexpected EOF" {
		t.Errorf("Wrap: %q", got)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("the cause is lost")
	}
}

func TestKindString(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for k := fault.Internal; k <= fault.Unavailable; k++ {
		if s := k.String(); s == "" || seen[s] {
			t.Errorf("kind %d has no name of its own: %q", uint8(k), s)
		}
		seen[k.String()] = true
	}
	if got := fault.Kind(200).String(); got != "kind(200)" {
		t.Errorf("unknown kind: %q", got)
	}
}
