// The records of a program and their fields: the one table from which the structs are made
// (program.h) and by whose names they are read from Python (bindings/records.cpp). What a field
// means is documented in longshort/engine/executors/native/program.py.
//
// Whoever includes this defines what it wants of RECORD(name, fields), FIELD(type, name) and
// LIST(record, name), a list of the program.
#ifndef RECORD
#define RECORD(name, ...)
#endif
#ifndef FIELD
#define FIELD(type, name)
#endif
#ifndef LIST
#define LIST(record, name)
#endif

RECORD(Place,
  FIELD(Index, buffer)
  FIELD(Index, column))

RECORD(Buffer,
  FIELD(Kind, kind)
  FIELD(Index, width)
  FIELD(Index, external)
  FIELD(Index, shift)
  FIELD(Index, ring)
  FIELD(Index, first)
  FIELD(Index, origin)
  FIELD(double, value))

RECORD(Instruction,
  FIELD(Op, op)
  FIELD(Index, size)
  FIELD(Place, target)
  FIELD(Sources<Place>, sources))

RECORD(Product,
  FIELD(Index, matrix)
  FIELD(Place, target)
  FIELD(Place, source)
  FIELD(Place, start))

RECORD(Run,
  FIELD(Index, first)
  FIELD(Index, last))

RECORD(Weight,
  FIELD(Index, external)
  FIELD(Index, begin)
  FIELD(Index, end)
  FIELD(Index, columns)
  FIELD(bool, transposed))

RECORD(MatrixSum,
  FIELD(Index, external)
  FIELD(Index, begin)
  FIELD(Index, end)
  FIELD(Index, columns)
  FIELD(Place, d)
  FIELD(Place, v))

RECORD(VectorSum,
  FIELD(Index, total)
  FIELD(Index, size)
  FIELD(Place, d))

RECORD(Enter,
  FIELD(Index, source)
  FIELD(Index, target))

RECORD(Leave,
  FIELD(Place, source)
  FIELD(Index, first)
  FIELD(Index, target))

LIST(Buffer, buffers)
LIST(Weight, matrices)
LIST(Instruction, instructions)
LIST(Stage, before)
LIST(Stage, step)
LIST(Stage, after)
LIST(MatrixSum, matrix_sums)
LIST(VectorSum, vector_sums)
LIST(Enter, enter)
LIST(Leave, leave)

#undef RECORD
#undef FIELD
#undef LIST
