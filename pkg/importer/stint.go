package importer

import "time"

// A worker makes way after stintTime of work. It looks at the clock after every stintRows rows.
const (
	stintTime = time.Millisecond
	stintRows = 32
)

// stint counts the work since the worker last made way.
type stint struct {
	makeWay func() // see Config
	rows    int
	began   time.Time
}

// makeWay is called for each row.
func (w *work) makeWay() {
	t := &w.stint
	if t.rows++; t.makeWay == nil || t.rows%stintRows != 0 {
		return
	}
	if w.clock().Sub(t.began) >= stintTime {
		t.makeWay()
		t.began = w.clock()
	}
}
