package records_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/source"
	"reseed/pkg/source/records"
)

const unmapped = `{"dataset":"invoices","external_id":"in_1","_reject":{"code":"stripe_lines_differ","column":"total","object":"in_1","reason":"The lines do not sum up. https://dashboard.stripe.com/invoices/in_1"}}`

func open(t *testing.T, text string, frozen bool) source.Rows {
	t.Helper()
	in := io.NopCloser(strings.NewReader(text))
	rows, err := records.Format{}.Open(in, source.Shape{Frozen: frozen}, source.Place{Line: 1}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// A line that a pull has written with _reject is a reject for the reason that stands there, and its id is known.
func TestWhatCouldNotBeMapped(t *testing.T) {
	t.Parallel()
	line, err := records.AppendUnmapped(nil, billing.Invoices, "in_1", records.Unmapped{
		Code: "stripe_lines_differ", Column: "total", Object: "in_1", Reason: "The lines do not sum up. https://dashboard.stripe.com/invoices/in_1",
	})
	if err != nil || string(line) != unmapped+"\n" {
		t.Fatalf("%s %v", line, err)
	}
	rows := next(t, open(t, string(line), true))
	_, p := rows.Record()
	want := billing.Problem{Code: "stripe_lines_differ", Column: "total", Message: "The lines do not sum up. https://dashboard.stripe.com/invoices/in_1"}
	if p == nil || *p != want || rows.ID() != "in_1" {
		t.Fatalf("%+v, id %q", p, rows.ID())
	}
	out := string(rows.AppendReject(nil, source.Reject{File: "invoices.ndjson", Line: 1, Column: p.Column, Code: p.Code, Reason: p.Message}))
	if want := `{"dataset":"invoices","external_id":"in_1","_reject":{"file":"invoices.ndjson","line":1,"field":"total","code":"stripe_lines_differ","reason":"The lines do not sum up. https://dashboard.stripe.com/invoices/in_1","object":"in_1"}}` + "\n"; out != want {
		t.Fatal(out)
	}
}

// Other lines that a pull has written are records; a _reject that says nothing is a reject all the same.
func TestOtherLinesOfAPull(t *testing.T) {
	t.Parallel()
	rows := next(t, open(t, `{"dataset":"customers","external_id":"c1"}`+"\n"+`{"dataset":"invoices","_reject":7}`+"\n", true))
	if r, p := rows.Record(); p != nil || r == nil {
		t.Fatal("a line without _reject: ", p)
	}
	if _, p := next(t, rows).Record(); p == nil || p.Code != source.CodeBadJSON || rows.ID() != "" {
		t.Fatalf("a _reject that says nothing: %+v", p)
	}
}

// next moves to the next row.
func next(t *testing.T, rows source.Rows) source.Rows {
	t.Helper()
	if _, err := rows.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	return rows
}

// In the files of people _reject is ignored.
func TestRejectOfAPersonsFileIsIgnored(t *testing.T) {
	t.Parallel()
	rows := open(t, `{"dataset":"customers","external_id":"c1","_reject":{"code":"x","reason":"y"}}`+"\n", false)
	if _, err := rows.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r, p := rows.Record(); p != nil || r == nil {
		t.Fatal(p)
	}
	if out := string(rows.AppendReject(nil, source.Reject{File: "f", Line: 1, Code: "z", Reason: "w"})); strings.Contains(out, "object") || !strings.Contains(out, `"code":"z"`) {
		t.Fatal(out)
	}
}

// What a pull has written may be empty; a person's file may not.
func TestFrozenMayBeEmpty(t *testing.T) {
	t.Parallel()
	for frozen, want := range map[bool]bool{true: true, false: false} {
		_, err := records.Format{}.Scan(context.Background(), strings.NewReader(""), source.Hint{Frozen: frozen}, 100, func(source.Piece) error {
			return errors.New("a piece of nothing")
		})
		if (err == nil) != want {
			t.Errorf("frozen %v: %v", frozen, err)
		}
	}
}
