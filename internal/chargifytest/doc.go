// Package chargifytest is a site of Chargify in memory. A [World] answers requests as Chargify's documentation says: numbered pages that
// move when something before them is gone, filters by time, arrays that are there only if they are asked for, times in the site's own
// zone. It fails at the n-th call if it is told to, and can be changed between calls. A [Judge] that others wrote looks at every
// request and answer.
package chargifytest
