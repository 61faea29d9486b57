// Package connectortest is the suite that every billing system's reader and mapping pass. The system is a world: a
// stand-in that behaves as its documentation says. A judge that others wrote looks at every request and every answer of the
// world, so that it is not we alone who say how the system behaves; a world without one is refused.
package connectortest
