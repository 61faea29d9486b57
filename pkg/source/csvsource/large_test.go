package csvsource_test

import (
	"errors"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"reseed/pkg/source"
	"reseed/pkg/source/csvsource"
)

// sums sums up the rows of a long file.
type sums struct {
	good, bad int
	lastLine  int64
	codes     map[string]int
}

func total(t *testing.T, rd *csvsource.Reader) sums {
	t.Helper()
	s := sums{codes: map[string]int{}}
	for {
		row, err := rd.Next(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		s.lastLine = row.Line
		if row.Err == nil {
			s.good++
		} else {
			s.bad++
			s.codes[row.Err.Code]++
		}
	}
	if limit := csvsource.DefaultMaxRecord + 64<<10 + 2; rd.BufferSize() > limit {
		t.Errorf("the reader buffers %d bytes, more than %d", rd.BufferSize(), limit)
	}
	return s
}

const line = "cus_0001,Ann Example,ann@example.com,Bern,CH,2024-01-31\n" // 56 bytes

const header = "id,name,email,city,country,date\n"

// heapOf measures memory now and then while a file is read, and returns the most that the process
// had in use.
func heapOf(input io.Reader) (io.Reader, *uint64) {
	var most uint64
	reads := 0
	return readFunc(func(p []byte) (int, error) {
		if reads++; reads%100 == 0 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
		return input.Read(p)
	}), &most
}

// A stray quote costs one reject and no memory: 200 MB are read with a heap of at most 16 MB,
// garbage included.
//
//nolint:paralleltest // it measures the heap of the process
func TestStrayQuoteIn200MB(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100)) // whatever GOGC says
	times := 200 << 20 / len(line)
	for name, first := range map[string]string{
		"open":  "cus_0000,\"Ann,a@example.com,Bern,CH,2024-01-31\n",
		"stray": "cus_0000,\"Ann\"x,a@example.com,Bern,CH,2024-01-31\n",
	} {
		t.Run(name, func(t *testing.T) {
			runtime.GC()
			input, heap := heapOf(generated(header+first, line, times, ""))
			s := total(t, csvsource.Open(input, csvsource.Options{}))
			if *heap == 0 || *heap > 16<<20 {
				t.Errorf("%d bytes of heap in use", *heap)
			}
			if s.good != times || s.bad != 1 || s.codes[source.CodeBadQuote] != 1 || s.lastLine != int64(times)+2 {
				t.Errorf("%+v, want %d good rows and one bad_quote", s, times)
			}
		})
	}
}

func Test400MBCell(t *testing.T) {
	t.Parallel()
	block := strings.Repeat("x", 1<<20)
	for name, edge := range map[string]string{"plain": "", "quoted": "\""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rd := csvsource.Open(generated(header+line+edge, block, 400, edge+"\n"+line), csvsource.Options{})
			s := total(t, rd)
			if s.good != 2 || s.bad != 1 || s.codes[source.CodeRecordTooLong] != 1 || s.lastLine != 4 {
				t.Errorf("%+v, want 2 good rows and one record_too_long", s)
			}
		})
	}
}

// TestQuotesMadeToBeWalkedAgain would take hours if every line were followed to
// MaxRecord again: each opens a quote that the next one closes and opens again.
func TestQuotesMadeToBeWalkedAgain(t *testing.T) {
	t.Parallel()
	const times = 2 << 20
	for name, tail := range map[string]string{"never closed": "", "stray at the end": "\"x\n", "closed at the end": "\",\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := total(t, csvsource.Open(generated("a,b\n", "a\",\"b\n", times, tail), csvsource.Options{}))
			if s.good+s.bad < times*9/10 {
				t.Errorf("%+v, want about one reject a line", s)
			}
		})
	}
}

func TestLineEndsMadeToBeSearchedAgain(t *testing.T) {
	t.Parallel()
	const times = 4 << 20
	s := total(t, csvsource.Open(generated("a,b\r", "1,2\r", times, ""), csvsource.Options{}))
	if s.good != times {
		t.Errorf("%+v, want %d good rows", s, times)
	}
}
