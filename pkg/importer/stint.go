package importer

import "time"

// A worker makes way after stintTime of work; it looks at the clock at every so many rows.
const (
	stintTime = time.Millisecond
	stintRows = 32
)

// stint is how long a worker has had the processor.
type stint struct {
	makeWay func() // see Config
	rows    int
	began   time.Time
}

// makeWay is called for each row that a worker is at.
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
