package puller_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reseed/internal/googletest"
	"reseed/pkg/eraser"
	"reseed/pkg/job"
	"reseed/pkg/puller"
)

// wideTab is a tab of customers with long texts in a column that is not imported, so that it takes
// several pages.
func wideTab() *googletest.Tab {
	t := customersTab()
	t.Cells[0] = append(t.Cells[0], "Memo")
	for i := range wideRows {
		t.Cells = append(t.Cells, []any{fmt.Sprintf("c%05d", i), fmt.Sprintf("Name %d", i), strings.Repeat("x", 1200)})
	}
	return t
}

const (
	wideRows = 3000 // 4 MB
	wideDone = "customers +3000 ~0 =0 -0 !0"
)

// onSecond calls f before the second call of a method from now on.
func (b *bed) onSecond(method string, f func() *googletest.Failure) {
	seen := 0
	b.google.Before(func(c googletest.Call) *googletest.Failure {
		if c.ID != method {
			return nil
		}
		if seen++; seen != 2 {
			return nil
		}
		return f()
	})
}

const (
	readCells   = "sheets.spreadsheets.values.batchGet"
	readBook    = "sheets.spreadsheets.get"
	readVersion = "drive.files.get"
)

func TestPages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, wideTab(), plansTab([]any{"gold", "Gold", 1, "month"}))
		b.done(wideDone + ", plans +1 ~0 =0 -0 !0")
		pages := 0
		for _, c := range b.google.Calls() {
			if c.ID == readCells {
				pages++
			}
		}
		if pages < 3 || pages > 8 {
			t.Errorf("4 MB are read in %d pages", pages)
		}
		names := b.names(b.src)
		if len(names) != wideRows || names["c02999"] != "Name 2999" {
			t.Errorf("%d customers", len(names))
		}
	})
}

// A spreadsheet that changes while it is read is read again; after three times nothing is imported.
func TestChangedWhileRead(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*googletest.Spreadsheet){
		"a cell": func(s *googletest.Spreadsheet) { s.Tab("Customers").Cells[1][1] = "Changed" },
		"a row": func(s *googletest.Spreadsheet) {
			s.Tab("Customers").Cells = append(s.Tab("Customers").Cells[:1:1], s.Tab("Customers").Cells[2:]...)
		},
		"rows on top": func(s *googletest.Spreadsheet) {
			s.Tab("Customers").Cells = append([][]any{nil}, s.Tab("Customers").Cells...)
		},
		"tabs swapped": func(s *googletest.Spreadsheet) { s.Tabs[0], s.Tabs[1] = s.Tabs[1], s.Tabs[0] },
		"hidden":       func(s *googletest.Spreadsheet) { s.Tabs[0].Hidden = !s.Tabs[0].Hidden },
		"renamed": func(s *googletest.Spreadsheet) {
			s.Tabs[0].Title = map[string]string{"Customers": "Clients", "Clients": "Customers"}[s.Tabs[0].Title]
		},
		"shorter": func(s *googletest.Spreadsheet) {
			s.Tab("Customers").Rows = 1900
			s.Tab("Customers").Cells = s.Tab("Customers").Cells[:1900]
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, wideTab(), plansTab([]any{"gold", "Gold", 1, "month"}))
				b.onSecond(readCells, func() *googletest.Failure { b.edit(change); return nil })
				j := b.pull(puller.Request{})
				if j.Status != job.Done || j.Datasets["customers"].Rejected > 0 || j.Datasets["customers"].Added < 1899 {
					t.Fatalf("%s, %q, %s", j.Status, j.Error, counts(j))
				}
				books := 0
				for _, c := range b.google.Calls() {
					if c.ID == readBook {
						books++
					}
				}
				same(t, "attempts", 2, books)
				b.untouched()
			})
		})
	}
}

func TestAlwaysChanging(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, customersTab(many(5)...))
		b.done("customers +5 ~0 =0 -0 !0")
		b.edit(func(s *googletest.Spreadsheet) { s.Tab("Customers").Cells = s.Tab("Customers").Cells[:2] })
		b.google.Before(func(c googletest.Call) *googletest.Failure {
			if c.ID == readCells {
				b.edit(func(*googletest.Spreadsheet) {})
			}
			return nil
		})
		before := len(b.google.Calls())
		j := b.pull(puller.Request{})
		if j.Status != job.Failed || !strings.Contains(j.Error, "changed while it was read, 3 times in a row") || !strings.Contains(j.Error, "Nothing was changed.") {
			t.Errorf("%s %q", j.Status, j.Error)
		}
		same(t, "calls of three attempts of two pages", 15, len(b.google.Calls())-before)
		same(t, "customers", 5, len(b.names(b.src)))
		same(t, "what is left", 0, len(b.inputsOf(j)))
		b.untouched()
	})
}

// Faults of Google in the middle are waited out: a storm of refusals, an error of its servers at any
// page, a token that expires or is revoked.
func TestFaultsOfGoogle(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(*bed){
		"a storm": func(b *bed) {
			n := 0
			b.google.Before(func(googletest.Call) *googletest.Failure {
				if n++; n%3 != 0 {
					return googletest.Quota("7")
				}
				return nil
			})
		},
		"500 at the second page": func(b *bed) {
			b.onSecond(readCells, func() *googletest.Failure { return &googletest.Failure{Status: http.StatusInternalServerError} })
		},
		"500 at the last version": func(b *bed) {
			b.onSecond(readVersion, func() *googletest.Failure { return &googletest.Failure{Status: http.StatusBadGateway} })
		},
		"a token that is revoked": func(b *bed) {
			b.onSecond(readCells, func() *googletest.Failure { b.google.Revoke(); return nil })
		},
		"a token that expires": func(b *bed) {
			b.google.TokenLife(30 * time.Second)
			b.onSecond(readCells, func() *googletest.Failure { time.Sleep(time.Minute); return nil })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, wideTab())
				fault(b)
				b.done(wideDone)
				b.untouched()
			})
		})
	}
}

// A pull that Google does not answer goes on with the tick, and ends after half an hour.
func TestGoogleIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, customersTab(many(5)...))
		away := true
		b.google.Before(func(googletest.Call) *googletest.Failure {
			if away {
				return &googletest.Failure{Status: http.StatusServiceUnavailable}
			}
			return nil
		})
		j := b.pull(puller.Request{})
		same(t, "while it is away", job.Running, j.Status)
		away = false
		must(t, b.Tick(t.Context()))
		b.work()
		same(t, "when it is back", job.Done, b.job(j.ID).Status)
		away = true
		j = b.begin(puller.Request{})
		for range 20 {
			b.work()
			must(t, b.Tick(t.Context()))
		}
		b.work()
		if j = b.job(j.ID); j.Status != job.Failed || !strings.Contains(j.Error, "could not be reached") {
			t.Errorf("%s %q", j.Status, j.Error)
		}
		same(t, "customers", 5, len(b.names(b.src)))
	})
}

func TestUnsharedWhileRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, wideTab())
		b.onSecond(readCells, func() *googletest.Failure {
			b.edit(func(s *googletest.Spreadsheet) { s.Shared = nil })
			return nil
		})
		j := b.pull(puller.Request{})
		if j.Status != job.Failed || !strings.Contains(j.Error, address) {
			t.Errorf("%s %q", j.Status, j.Error)
		}
		same(t, "customers", 0, len(b.names(b.src)))
		same(t, "what is left", 0, len(b.inputsOf(j)))
		b.edit(func(s *googletest.Spreadsheet) { s.Shared = []string{address} })
		b.google.Before(nil)
		b.done(wideDone)
		b.untouched()
	})
}

// A pull that outlasts the time of its function goes on in further invocations, at the next page.
func TestManyInvocations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, wideTab())
		b.google.Before(func(googletest.Call) *googletest.Failure { time.Sleep(30 * time.Second); return nil })
		j := b.begin(puller.Request{})
		invocations := 0
		for b.job(j.ID).Pulling() && invocations < 50 {
			invocations++
			ctx, stop := context.WithTimeout(t.Context(), 80*time.Second)
			for len(b.queue) > 0 && b.job(j.ID).Pulling() {
				must(t, b.step(ctx))
			}
			stop()
			must(t, b.Tick(t.Context()))
		}
		b.google.Before(nil)
		b.work()
		same(t, "the pull", wideDone, counts(b.job(j.ID)))
		versions, cells := 0, 0
		for _, c := range b.google.Calls() {
			switch c.ID {
			case readVersion:
				versions++
			case readCells:
				cells++
			}
		}
		if invocations < 3 || versions != 2 || cells > 8 {
			t.Errorf("%d invocations, %d versions, %d reads of cells", invocations, versions, cells)
		}
	})
}

// A cancel, and an erase of the source, end a pull in the middle.
func TestEndedWhileRead(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*bed, *job.Job) error{
		"cancelled": func(b *bed, j *job.Job) error { _, err := b.Importer.Cancel(context.Background(), j.ID); return err },
		"erased": func(b *bed, _ *job.Job) error {
			_, err := b.StartErase(context.Background(), eraser.Selection{Kind: eraser.Source, Source: b.src.UUID}, eraser.Options{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, wideTab())
				j := b.begin(puller.Request{})
				b.onSecond(readCells, func() *googletest.Failure {
					if err := end(b, j); err != nil {
						t.Error(err)
					}
					return nil
				})
				b.work()
				time.Sleep(time.Minute)
				must(t, b.Tick(t.Context()))
				b.work()
				if got := b.job(j.ID); got.Status != job.Cancelled && got.Status != job.Failed {
					t.Errorf("%s %q", got.Status, got.Error)
				}
				same(t, "what is left", 0, len(b.inputsOf(j)))
				if name == "cancelled" {
					same(t, "customers", 0, len(b.names(b.src)))
					b.google.Before(nil)
					b.done(wideDone)
				} else if n := b.items("account.pulls"); n != 0 {
					t.Errorf("%d items of pulls are left after an erase", n)
				}
				b.untouched()
			})
		})
	}
}

// A process is killed at each of its changes of objects and of the table, and another one goes on:
// the same end, with the same counts.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"objects", "table, before", "table, after"} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for n := 1; ; n++ {
					if !killedAt(t, where, n) {
						if n < 4 {
							t.Errorf("only %d changes of %s", n, where)
						}
						return
					}
				}
			})
		})
	}
}

// killedAt kills the first process at its n-th change while it freezes the tabs, and reports whether it
// came so far.
func killedAt(t *testing.T, where string, n int) (killed bool) {
	t.Helper()
	b := newBed(t, customersTab(many(300)...), plansTab([]any{"gold", "Gold", 1, "month"}), &googletest.Tab{ID: 3, Title: "Notes", Cells: [][]any{{"x"}}})
	j := b.begin(puller.Request{})
	killed = b.killedAt(where, n, j.ID)
	got := b.job(j.ID)
	if want := "customers +300 ~0 =0 -0 !0, plans +1 ~0 =0 -0 !0"; got.Status != job.Done || counts(got) != want {
		t.Fatalf("killed at change %d of %s: %s %q %s", n, where, got.Status, got.Error, counts(got))
	}
	if len(b.names(b.src)) != 300 || len(b.inputsOf(got)) > 0 {
		t.Fatalf("killed at change %d of %s: %d customers, left %q", n, where, len(b.names(b.src)), b.inputsOf(got))
	}
	b.untouched()
	return killed
}
