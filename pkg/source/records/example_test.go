package records_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"reseed/pkg/source"
	"reseed/pkg/source/records"
)

// A file is scanned once, and then read piece by piece. A line without a record has a problem, and
// is written back for the rejects file.
func ExampleFormat() {
	const file = `{"dataset":"plans","name":"Gold","interval_count":1,"interval_unit":"month"}
{"dataset":"plans","name":"Iron","interval_count":"1","interval_unit":"month"}
`
	ctx, now := context.Background(), time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	var pieces []source.Piece
	shape, err := records.Format{}.Scan(ctx, strings.NewReader(file), source.Hint{}, 1<<20, func(p source.Piece) error {
		pieces = append(pieces, p)
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range pieces {
		part := io.NopCloser(strings.NewReader(file[p.Offset : p.Offset+p.Length]))
		rows, err := records.Format{}.Open(part, shape, p.Place, now)
		if err != nil {
			fmt.Println(err)
			return
		}
		for {
			row, err := rows.Next(ctx)
			if err != nil { // io.EOF at the end
				break
			}
			if _, problem := rows.Record(); problem != nil {
				fmt.Printf("line %d, %s: %s\n", row.Line, problem.Column, problem.Code)
				fmt.Printf("%s", rows.AppendReject(nil, source.Reject{File: "f", Line: row.Line, Code: problem.Code, Reason: problem.Message}))
				continue
			}
			fmt.Printf("line %d: a record of %s\n", row.Line, row.Dataset)
		}
		_ = rows.Close()
	}
	// Output:
	// line 1: a record of plans
	// line 2, interval_count: wrong_type
	// {"dataset":"plans","name":"Iron","interval_count":"1","interval_unit":"month","_reject":{"file":"f","line":2,"code":"wrong_type","reason":"interval_count: This must be a number, and is a text."}}
}
