space s {
  input image: [3, 32, 32]
  a = image
  choose op in { a, relu }
  y = image >> op()
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
