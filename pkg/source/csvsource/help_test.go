package csvsource_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"reseed/pkg/source/csvsource"
)

// fatalf is what a test and a property have in common.
type fatalf interface {
	Helper()
	Fatalf(format string, args ...any)
}

// row is a csvsource.Row that can be compared.
type row struct {
	Line, Offset, Length  int64
	Fields                []string
	Code, Column, Message string
}

func flat(r csvsource.Row) row {
	out := row{Line: r.Line, Offset: r.Offset, Length: r.Length, Fields: append([]string(nil), r.Fields...)}
	if r.Err != nil {
		out.Code, out.Column, out.Message = r.Err.Code, r.Err.Column, r.Err.Message
	}
	return out
}

// rowsOf reads r to its end.
func rowsOf(t fatalf, r *csvsource.Reader) []row {
	t.Helper()
	var rows []row
	for {
		next, err := r.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			t.Fatalf("Next after %d rows: %v", len(rows), err)
		}
		rows = append(rows, flat(next))
	}
}

func read(t fatalf, text string, opts csvsource.Options) []row {
	t.Helper()
	return rowsOf(t, csvsource.Open(strings.NewReader(text), opts))
}

// brief describes a row in one string: its line, then its cells, or the code and column of its
// problem.
func brief(rows []row) []string {
	out := make([]string, 0, len(rows))
	for _, r := range rows {
		text := strings.Join(r.Fields, "|")
		if r.Code != "" {
			text = r.Code + "(" + r.Column + ")"
		}
		out = append(out, fmt.Sprintf("%d:%s", r.Line, text))
	}
	return out
}

// cut returns the pieces of text and the options to read each.
func cut(t fatalf, text []byte, opts csvsource.Options, size int64) ([]csvsource.Piece, []csvsource.Options) {
	t.Helper()
	rd := csvsource.Open(bytes.NewReader(text), opts)
	if _, err := rd.Header(context.Background()); err != nil {
		t.Fatalf("Header: %v", err)
	}
	var pieces []csvsource.Piece
	var options []csvsource.Options
	err := rd.Cut(context.Background(), size, func(p csvsource.Piece) error {
		pieces = append(pieces, p)
		options = append(options, rd.PieceOptions(p))
		return nil
	})
	if err != nil {
		t.Fatalf("Cut: %v", err)
	}
	return pieces, options
}

// readPieces reads text piece by piece and checks that the pieces cover it.
func readPieces(t fatalf, text []byte, opts csvsource.Options, size int64) []row {
	t.Helper()
	var rows []row
	pieces, options := cut(t, text, opts, size)
	for i, p := range pieces {
		if p.Length <= 0 || i > 0 && p.Offset != pieces[i-1].Offset+pieces[i-1].Length {
			t.Fatalf("piece %d of %+v leaves a gap or is empty", i, pieces)
		}
		if i < len(pieces)-1 && p.Length < size {
			t.Fatalf("piece %d has %d bytes, wanted at least %d", i, p.Length, size)
		}
		rows = append(rows, rowsOf(t, csvsource.Open(bytes.NewReader(text[p.Offset:p.Offset+p.Length]), options[i]))...)
	}
	if n := len(pieces); n > 0 && pieces[n-1].Offset+pieces[n-1].Length != int64(len(text)) {
		t.Fatalf("the pieces end at %d of %d", pieces[n-1].Offset+pieces[n-1].Length, len(text))
	}
	return rows
}

// generated is a large file that is never in memory as a whole: head, then body many times, then
// tail.
func generated(head, body string, times int, tail string) io.Reader {
	return io.MultiReader(strings.NewReader(head), &repeater{body: body, left: times}, strings.NewReader(tail))
}

type repeater struct {
	body string
	pos  int
	left int
}

func (r *repeater) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) && r.left > 0 {
		k := copy(p[n:], r.body[r.pos:])
		n, r.pos = n+k, r.pos+k
		if r.pos == len(r.body) {
			r.pos, r.left = 0, r.left-1
		}
	}
	if n == 0 && r.left == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func equal(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n\t%q\nwant\n\t%q", got, want)
	}
}
