package csvsource

// BufferSize tells tests how many bytes of the input a reader can hold.
func (r *Reader) BufferSize() int { return len(r.scan.Buf) }
