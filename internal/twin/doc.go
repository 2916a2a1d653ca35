// Package twin keeps the city's live state: it takes what sensors measure (Take,
// Post), publishes it to the bus, reads it from there, judges its quality, appends it
// to the history and knows the latest reading of each datastream.
//
// Life of a reading: MQTT or HTTP → reading decodes → the twin finds its datastream,
// turns it into the datastream's unit, asks whether the sender may → bus.Publish; the
// stream has it, and PUBACK or 201 goes out → Run reads the stream in order, in every
// process for itself → quality is judged → history.Append, by whoever is first →
// the latest state, and whoever waits for changes of it.
//
// Stations, datastreams, instruments and observed properties are features of the
// catalogue; Model follows them.
package twin
