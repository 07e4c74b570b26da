space a {
  input image: [3, 8, 8]
}
space b {
  input image: [3, 8, 8]
}
