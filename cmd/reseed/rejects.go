package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"slices"
	"strings"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
)

// shownRejects is how many rejects a report prints by itself.
const shownRejects = 10

// printFirstRejects prints where and why the first rows were rejected.
func (sh *shell) printFirstRejects(ctx context.Context, cl *client.Client, j *wire.Job) {
	r, err := cl.Rejects(ctx, j.ID)
	if err != nil {
		return
	}
	defer func() { _ = r.Close() }()
	if isUndo(j) {
		sh.printFirstLeftAlone(r, j)
		return
	}
	sh.printf("Rejected:\n")
	in, end := &rejectsReader{in: bufio.NewReader(r)}, ".ndjson"
	shown := 0
	for shown < shownRejects {
		why, err := in.next()
		if err != nil {
			break
		}
		reason, column := why.Reason, why.Field
		if column != "" {
			reason = strings.TrimPrefix(reason, column+": ") // some reasons begin with it
			column = ", " + column
		}
		sh.printf("  %s line %s%s: %s [%s]\n", why.File, why.Line, column, reason, why.Code)
		shown++
	}
	if in.columns > 0 {
		end = ".csv"
	}
	sh.printMore(j, shown)
	sh.printf("All rejected rows, to correct and import again: %s\n", sh.again("jobs %s --rejects > rejects%s", j.ID, end))
}

// rejected is why a row was rejected, as its rejects file says.
type rejected struct {
	File   string      `json:"file"`
	Line   json.Number `json:"line"`
	Field  string      `json:"field"`
	Code   string      `json:"code"`
	Reason string      `json:"reason"`
}

// rejectsReader reads a rejects file: CSV tables, and lines of JSON objects.
type rejectsReader struct {
	in      *bufio.Reader
	columns int // of the current table, without the columns that say why
}

// next reads the next rejected row; io.EOF after the last.
func (r *rejectsReader) next() (why rejected, err error) {
	for {
		text, err := r.row()
		if err != nil {
			return why, err
		}
		if strings.HasPrefix(text, "{") {
			var line struct {
				Reject rejected `json:"_reject"`
			}
			if json.Unmarshal([]byte(text), &line) == nil {
				return line.Reject, nil
			}
		}
		cells, err := csv.NewReader(strings.NewReader(text)).Read()
		if err != nil {
			return why, err
		}
		if at := slices.Index(cells, "Reject file"); at >= 0 {
			r.columns = at
			continue
		}
		if len(cells) == r.columns+5 {
			cells = cells[r.columns:]
			return rejected{cells[0], json.Number(cells[1]), cells[2], cells[3], cells[4]}, nil
		}
	}
}

// row reads a JSON object, or a row of a table with the line ends in its quotes.
func (r *rejectsReader) row() (text string, err error) {
	for {
		line, err := r.in.ReadString('\n')
		if text += line; err != nil || strings.HasPrefix(text, "{") || strings.Count(text, `"`)%2 == 0 {
			if text != "" {
				err = nil
			}
			return text, err
		}
	}
}

// printFirstLeftAlone prints the first rows that an undo left alone, and why.
func (sh *shell) printFirstLeftAlone(r io.Reader, j *wire.Job) {
	sh.printf("Left alone:\n")
	in := csv.NewReader(r)
	_, _ = in.Read() // the header
	shown := 0
	for shown < shownRejects {
		rec, err := in.Read()
		if err != nil || len(rec) < 4 {
			break
		}
		sh.printf("  %s %s: %s [%s]\n", singular(rec[0]), rec[1], rec[3], rec[2])
		shown++
	}
	sh.printMore(j, shown)
	sh.printf("All rows that were left alone: %s\n", sh.again("jobs %s --rejects", j.ID))
}

func (sh *shell) printMore(j *wire.Job, shown int) {
	if more := j.Rejects - int64(shown); more > 0 {
		sh.printf("  ... and %d more\n", more)
	}
}
