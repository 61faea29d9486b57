package stripe_test

import (
	"syscall"
	"testing"
	"time"

	"reseed/internal/stripetest"
	"reseed/pkg/source/stripe"
	"reseed/pkg/source/system"
)

const benchInvoices = 10 // of each customer

// read reads a large account, and hands over each page. It returns the CPU time that was used before.
func read(b *testing.B, customers int, do func(system.Page)) (before time.Duration) {
	b.Helper()
	large, err := stripetest.NewLarge(customers, benchInvoices)
	if err != nil {
		b.Fatal(err)
	}
	r, err := stripe.System{}.Open(system.Connection{Credentials: map[string]string{"key": stripetest.Key}, Transport: large, Unlimited: true, Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	before = cpu(b)
	b.ResetTimer()
	for cursor, done := r.Begin(time.Now(), ""), false; !done; {
		page, err := r.Page(b.Context(), cursor)
		if err != nil {
			b.Fatal(err)
		}
		do(page)
		cursor, done = page.Next, page.Done
	}
	return before
}

// speed reports objects and bytes for each second, and CPU time for each object.
func speed(b *testing.B, objects, bytes int64, before time.Duration) {
	b.Helper()
	used := cpu(b) - before
	b.SetBytes(bytes / int64(b.N))
	b.ReportMetric(float64(objects)/b.Elapsed().Seconds(), "objects/s")
	b.ReportMetric(float64(used.Microseconds())/float64(objects), "cpu-µs/object")
}

// cpu is the CPU time that the process has used.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkPull reads b.N customers of 10 invoices over a transport in memory, and throws away what it has read.
func BenchmarkPull(b *testing.B) {
	objects, bytes := int64(0), int64(0)
	b.ReportAllocs()
	before := read(b, b.N, func(p system.Page) {
		objects += int64(len(p.Objects))
		for _, o := range p.Objects {
			bytes += int64(len(o.JSON))
		}
	})
	speed(b, objects, bytes, before)
}

// customer reads the objects of one customer.
func customer(b *testing.B) (objects []system.Object, bytes int64) {
	b.Helper()
	read(b, 1, func(p system.Page) {
		for _, o := range p.Objects {
			if o.Stream != stripe.Products && o.Stream != stripe.Prices {
				objects = append(objects, o)
				bytes += int64(len(o.JSON))
			}
		}
	})
	return objects, bytes
}

// BenchmarkMap maps a customer of 10 invoices b.N times.
func BenchmarkMap(b *testing.B) {
	objects, bytes := customer(b)
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu(b)
	for range b.N {
		if m := (stripe.System{}).Map(objects, system.Settings{}); len(m.Records) != 1+3*benchInvoices {
			b.Fatalf("%d records, %+v", len(m.Records), m.Issues)
		}
	}
	speed(b, int64(len(objects)*b.N), bytes*int64(b.N), before)
}

// BenchmarkBelongsTo finds out whose the objects of a customer of 10 invoices are, b.N times.
func BenchmarkBelongsTo(b *testing.B) {
	objects, bytes := customer(b)
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu(b)
	for range b.N {
		for _, o := range objects {
			if of, err := (stripe.System{}).BelongsTo(o); err != nil || of.Customer == "" {
				b.Fatalf("%+v, %v", of, err)
			}
		}
	}
	speed(b, int64(len(objects)*b.N), bytes*int64(b.N), before)
}
