package company

// dice is a SplitMix64 generator. It is spelt out here because the checked-in
// files depend on its exact sequence, which the standard library does not
// promise to keep, and because starting one for every customer costs nothing.
type dice struct{ state uint64 }

const goldenGamma = 0x9e3779b97f4a7c15

// topic separates the draws for one customer, so that one dataset can be written
// without drawing for the others.
type topic uint64

const (
	topicProfile topic = iota + 1
	topicAddress
	topicContacts
	topicHistory
	topicPersona
)

// throw starts the sequence of one topic of one customer (or block).
func throw(seed uint64, t topic, number int) dice {
	d := dice{seed ^ uint64(t)<<56}
	d.state = d.next() + uint64(number)*goldenGamma
	d.state = d.next()
	return d
}

func (d *dice) next() uint64 {
	d.state += goldenGamma
	z := d.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below draws a number from 0 to n-1; n must be positive.
func (d *dice) below(n int) int {
	return int(d.next() >> 33 % uint64(n))
}

// percent returns true p times in a hundred.
func (d *dice) percent(p int) bool { return d.below(100) < p }

func pick[T any](d *dice, from []T) T { return from[d.below(len(from))] }
