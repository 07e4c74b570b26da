space s {
  input image: [3, 32, 32]
  choose op in { relu, bn }
  z = image >> op()
  y = image
  aux task u = z { loss cross_entropy() }
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
