space s {
  input image: [3, 32, 32]
  choose op in { soft relu, soft bn }
  y = image >> op()
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
