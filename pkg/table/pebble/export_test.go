package pebble

// OpenFS is Open on a file system that a test can crash.
var OpenFS = open
