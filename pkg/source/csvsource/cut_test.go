package csvsource_test

import (
	"errors"
	"strings"
	"testing"

	"reseed/pkg/source/csvsource"
)

func TestCut(t *testing.T) {
	t.Parallel()
	text := "a,b\n1,2\n\"x\ny\",3\n4,5\n"
	var got []csvsource.Piece
	err := csvsource.Open(strings.NewReader(text), csvsource.Options{}).Cut(t.Context(), 5, func(p csvsource.Piece) error {
		got = append(got, p)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []csvsource.Piece{{Offset: 4, Length: 12, FirstLine: 2}, {Offset: 16, Length: 4, FirstLine: 5}}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("pieces %+v, want %+v", got, want)
	}
}

func TestCutHeaderOnly(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"a,b", "a,b\n", "\ufeff\na,b\r\n"} {
		err := csvsource.Open(strings.NewReader(text), csvsource.Options{}).Cut(t.Context(), 5, func(p csvsource.Piece) error {
			t.Errorf("%q has a piece %+v", text, p)
			return nil
		})
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestCutStopsWhenEmitFails(t *testing.T) {
	t.Parallel()
	stop := errors.New("stop")
	calls := 0
	err := csvsource.Open(strings.NewReader("a\n1\n2\n3\n"), csvsource.Options{}).Cut(t.Context(), 1, func(csvsource.Piece) error {
		calls++
		return stop
	})
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("%v after %d calls, want the error of the first", err, calls)
	}
}
